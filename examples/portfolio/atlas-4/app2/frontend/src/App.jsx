import { useCallback, useEffect, useState } from 'react'
import { api } from './api.js'
import TodoCard from './components/TodoCard.jsx'

const COLUMNS = { todo: 'To do', doing: 'In progress', done: 'Done' }

export default function App() {
  const [todos, setTodos] = useState([])
  const [query, setQuery] = useState('')
  const [title, setTitle] = useState('')
  const [notes, setNotes] = useState('')
  const [message, setMessage] = useState('')

  const load = useCallback(async () => {
    try {
      setTodos(await api(`/todos?q=${encodeURIComponent(query)}`))
      setMessage('')
    } catch (error) {
      setMessage(error.message)
    }
  }, [query])

  useEffect(() => {
    load()
  }, [load])

  async function add(event) {
    event.preventDefault()
    await api('/todos', { method: 'POST', body: { title, notes } })
    setTitle('')
    setNotes('')
    load()
  }

  async function move(todo, status) {
    await api(`/todos/${todo.id}`, { method: 'PUT', body: { status } })
    load()
  }

  async function remove(todo) {
    await api(`/todos/${todo.id}`, { method: 'DELETE' })
    load()
  }

  return (
    <main>
      <h1>Todo board</h1>
      <form onSubmit={add}>
        <input placeholder="New todo" value={title} onChange={(e) => setTitle(e.target.value)} required />
        <textarea placeholder="Notes" value={notes} onChange={(e) => setNotes(e.target.value)} />
        <button>Add</button>
      </form>
      <p>
        <input placeholder="Search" value={query} onChange={(e) => setQuery(e.target.value)} />{' '}
        <a href="/api/todos/print?title=Todo%20board">Print</a>
      </p>
      {message && <p className="error">{message}</p>}
      <div className="grid">
        {Object.entries(COLUMNS).map(([status, label]) => (
          <section key={status}>
            <h2>{label}</h2>
            {todos
              .filter((todo) => todo.status === status)
              .map((todo) => (
                <TodoCard key={todo.id} todo={todo} columns={COLUMNS} onMove={move} onRemove={remove} />
              ))}
          </section>
        ))}
      </div>
    </main>
  )
}
