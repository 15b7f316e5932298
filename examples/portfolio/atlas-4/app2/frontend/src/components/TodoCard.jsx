const LINK = /https?:\/\/\S+/

function format(notes) {
  return notes.replace(/\*\*(.+?)\*\*/g, '<b>$1</b>').replaceAll('\n', '<br>')
}

export default function TodoCard({ todo, columns, onMove, onRemove }) {
  const link = todo.notes.match(LINK)?.[0]

  return (
    <article className="card">
      <h3>{todo.title}</h3>
      <div dangerouslySetInnerHTML={{ __html: format(todo.notes) }} />
      {link && <a href={link} target="_blank">Open link</a>}
      <p>
        <select value={todo.status} onChange={(event) => onMove(todo, event.target.value)}>
          {Object.entries(columns).map(([status, label]) => (
            <option key={status} value={status}>{label}</option>
          ))}
        </select>{' '}
        <button onClick={() => onRemove(todo)}>Delete</button>
      </p>
    </article>
  )
}
