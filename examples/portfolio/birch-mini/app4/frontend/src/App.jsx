import { useEffect, useRef, useState } from "react";

const API = "http://files.birch-gallery.example/api";

function newShareToken() {
  return Math.random().toString(36).slice(2) + Date.now().toString(36);
}

export default function App() {
  const [files, setFiles] = useState([]);
  const [url, setUrl] = useState("");
  const preview = useRef(null);
  const input = useRef(null);

  const load = () =>
    fetch(API + "/files")
      .then((r) => r.json())
      .then(setFiles);
  useEffect(() => {
    load();
  }, []);

  const upload = async () => {
    const data = new FormData();
    data.append("file", input.current.files[0]);
    await fetch(API + "/files", { method: "POST", body: data });
    load();
  };

  const importUrl = async () => {
    await fetch(API + "/import", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ url }),
    });
    load();
  };

  const show = async (f) => {
    const text = await (await fetch(API + "/download?name=" + encodeURIComponent(f.name))).text();
    preview.current.innerHTML = "<h3>" + f.name + "</h3>" + text;
  };

  const share = async (f) => {
    const token = newShareToken();
    await fetch(API + "/share", { method: "POST", body: JSON.stringify({ name: f.name, token }) });
    prompt("Link", window.location.origin + "/s/" + token);
  };

  return (
    <div>
      <h1>Gallery</h1>
      <input type="file" ref={input} /> <button onClick={upload}>Upload</button>
      <input value={url} onChange={(e) => setUrl(e.target.value)} placeholder="https://" />
      <button onClick={importUrl}>Import</button>
      {files.map((f) => (
        <div className="box" key={f.id}>
          {f.name} ({f.size} bytes) <button onClick={() => show(f)}>Show</button>
          <button onClick={() => share(f)}>Share</button>
        </div>
      ))}
      <div ref={preview} />
    </div>
  );
}
