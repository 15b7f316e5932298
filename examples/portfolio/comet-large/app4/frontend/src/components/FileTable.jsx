import React from "react";

/** All files with their links. */
export default function FileTable({ files, onDelete }) {
  return (
    <ul className="list">
      {files.map((file) => (
        <li key={file.id}>
          <a href={`/api/view/${encodeURIComponent(file.name)}`} target="_blank">
            {file.name}
          </a>
          <span>{file.size} bytes</span>
          <a href={`/api/download?name=${encodeURIComponent(file.name)}`}>Download</a>
          <button onClick={() => onDelete(file)}>Delete</button>
        </li>
      ))}
    </ul>
  );
}
