import { useState } from 'react'
import { api } from '../api.js'

export default function Profile({ user, onChange }) {
  const [form, setForm] = useState({ email: user.email, display_name: user.display_name, bio: user.bio })
  const [message, setMessage] = useState('')

  async function save(event) {
    event.preventDefault()
    try {
      onChange(await api('/profile', { method: 'PUT', body: form }))
      setMessage('Saved')
    } catch (error) {
      setMessage(error.message)
    }
  }

  return (
    <form onSubmit={save}>
      <label>
        Shown name
        <input value={form.display_name} onChange={(e) => setForm({ ...form, display_name: e.target.value })} />
      </label>
      <label>
        E-mail
        <input type="email" value={form.email} onChange={(e) => setForm({ ...form, email: e.target.value })} />
      </label>
      <label>
        About me
        <textarea maxLength={500} value={form.bio} onChange={(e) => setForm({ ...form, bio: e.target.value })} />
      </label>
      <button>Save</button>
      <p aria-live="polite">{message}</p>
    </form>
  )
}
