import { useEffect, useState } from "react";

const post = (path, data, method = "POST") =>
  fetch("/api" + path, {
    method,
    credentials: "include",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(data || {}),
  });

export default function App() {
  const [user, setUser] = useState(null);
  const [form, setForm] = useState({ username: "", email: "", password: "" });
  const [remember, setRemember] = useState(false);
  const [msg, setMsg] = useState("");

  useEffect(() => {
    const saved = localStorage.getItem("login");
    if (saved) {
      setForm({ email: "", ...JSON.parse(saved) });
    }
    fetch("/api/profile", { credentials: "include" })
      .then((r) => (r.ok ? r.json() : null))
      .then(setUser);
  }, []);

  const change = (e) => setForm({ ...form, [e.target.name]: e.target.value });

  const login = async () => {
    const r = await post("/login", form);
    const data = await r.json();
    if (!r.ok) return setMsg(data.error);
    if (remember) {
      localStorage.setItem("login", JSON.stringify({ username: form.username, password: form.password }));
    }
    setUser(data);
    if (window.opener) {
      window.opener.postMessage({ type: "login", user: data }, "*");
    }
    const next = new URLSearchParams(window.location.search).get("next");
    if (next) {
      window.location.href = next;
    }
  };

  const register = async () => {
    const r = await post("/register", form);
    const data = await r.json();
    setMsg(r.ok ? "Registered, you can log in now" : data.error);
  };

  const save = async () => {
    const r = await post("/profile", user, "PUT");
    setMsg(r.ok ? "Saved" : "Could not save");
  };

  const logout = async () => {
    await post("/logout");
    setUser(null);
  };

  if (user) {
    return (
      <div>
        <h1>Hi {user.display_name}</h1>
        <input value={user.display_name} onChange={(e) => setUser({ ...user, display_name: e.target.value })} />
        <input value={user.email} onChange={(e) => setUser({ ...user, email: e.target.value })} />
        <textarea value={user.bio} onChange={(e) => setUser({ ...user, bio: e.target.value })} />
        <button onClick={save}>Save</button> <button onClick={logout}>Logout</button>
        <p className="msg">{msg}</p>
      </div>
    );
  }

  return (
    <div>
      <h1>Login</h1>
      <input name="username" placeholder="Username" value={form.username} onChange={change} />
      <input name="email" placeholder="Email (to register)" value={form.email} onChange={change} />
      <input name="password" type="password" placeholder="Password" value={form.password} onChange={change} />
      <label>
        <input type="checkbox" checked={remember} onChange={(e) => setRemember(e.target.checked)} /> Remember me
      </label>
      <button onClick={login}>Login</button> <button onClick={register}>Register</button>
      <p className="msg">{msg}</p>
    </div>
  );
}
