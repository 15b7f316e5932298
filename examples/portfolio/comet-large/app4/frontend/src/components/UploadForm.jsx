import React, { useState } from "react";

/** Choose a file and send it. */
export default function UploadForm({ onUploaded }) {
  const [file, setFile] = useState(null);
  const [error, setError] = useState(null);

  const handleSubmit = async (event) => {
    event.preventDefault();
    const data = new FormData();
    data.append("file", file);
    const response = await fetch("/api/files", { method: "POST", body: data );
    if (response.ok) {
      onUploaded();
    } else {
      setError((await response.json()).error);
    }
  };

  return (
    <form onSubmit={handleSubmit}>
      <input type="file" onChange={(event) => setFile(event.target.files[0])} />
      <button disabled={!file}>Upload</button>
      {error && <p className="alert">{error}</p>}
    </form>
  );
}
