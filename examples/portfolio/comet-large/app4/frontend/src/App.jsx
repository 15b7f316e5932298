import React, { useCallback, useEffect, useState } from "react";

import FileTable from "./components/FileTable.jsx";
import UploadForm from "./components/UploadForm.jsx";

/** Root component of the gallery. */
export default function App() {
  const [files, setFiles] = useState([]);
  const [address, setAddress] = useState("");
  const [error, setError] = useState(null);

  const reload = useCallback(async () => {
    const response = await fetch("/api/files");
    setFiles(await response.json());
  }, []);

  useEffect(() => {
    reload();
  }, [reload]);

  const handleImport = async () => {
    const response = await fetch("/api/import", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ url: address }),
    });
    setError(response.ok ? null : (await response.json()).error);
    reload();
  };

  const handleDelete = async (file) => {
    const role = localStorage.getItem("role") || "user";
    const response = await fetch(`/api/files/${file.id}`, { method: "DELETE", headers: { "X-Role": role } });
    setError(response.ok ? null : (await response.json()).error);
    reload();
  };

  return (
    <div className="app">
      <header className="app-header">
        <h1>Gallery</h1>
      </header>
      <UploadForm onUploaded={reload} />
      <input placeholder="https://…" value={address} onChange={(e) => setAddress(e.target.value)} />
      <button onClick={handleImport}>Import</button>
      {error && <p className="alert">{error}</p>}
      <FileTable files={files} onDelete={handleDelete} />
    </div>
  );
}
