import { useEffect, useState } from "react";

const STATUSES = ["todo", "doing", "done"];

async function call(path, method = "GET", data) {
  const r = await fetch("/api" + path, {
    method,
    headers: data ? { "Content-Type": "application/json" } : {},
    body: data ? JSON.stringify(data) : undefined,
  });
  if (!r.ok) throw new Error((await r.json()).error);
  return r.status === 204 ? null : r.json();
}

export default function App() {
  const [todos, setTodos] = useState([]);
  const [q, setQ] = useState("");
  const [title, setTitle] = useState("");
  const [msg, setMsg] = useState("");

  const load = () => call("/todos?q=" + encodeURIComponent(q)).then(setTodos, (e) => setMsg(e.message));
  useEffect(() => {
    load();
  }, [q]);

  const run = (promise) => promise.then(load, (e) => setMsg(e.message));

  const add = (e) => {
    e.preventDefault();
    run(call("/todos", "POST", { title }));
    setTitle("");
  };

  return (
    <div>
      <h1>Todos</h1>
      <form onSubmit={add}>
        <input placeholder="What to do?" value={title} onChange={(e) => setTitle(e.target.value)} />
        <button>Add</button>
      </form>
      <input placeholder="Search" value={q} onChange={(e) => setQ(e.target.value)} />
      <p className="msg">{msg}</p>
      <div className="row">
        {STATUSES.map((s) => (
          <div key={s} className="box">
            <h2>{s}</h2>
            {todos
              .filter((t) => t.status === s)
              .map((t) => (
                <div key={t.id} className="box">
                  <b>{t.title}</b>
                  <p>{t.notes}</p>
                  {STATUSES.filter((x) => x !== s).map((x) => (
                    <button key={x} onClick={() => run(call("/todos/" + t.id, "PUT", { status: x }))}>
                      {x}
                    </button>
                  ))}
                  <button onClick={() => run(call("/todos/" + t.id, "DELETE"))}>x</button>
                </div>
              ))}
          </div>
        ))}
      </div>
      <a href="/api/todos/print" target="_blank" rel="noreferrer">
        Print
      </a>
    </div>
  );
}
