import { useState } from 'react'
import { api } from '../api.js'

const EMPTY = { username: '', email: '', password: '' }

export default function LoginForm({ onLogin }) {
  const [mode, setMode] = useState('login')
  const [form, setForm] = useState(EMPTY)
  const [message, setMessage] = useState('')

  const field = (name) => ({
    value: form[name],
    onChange: (event) => setForm({ ...form, [name]: event.target.value }),
  })

  async function submit(event) {
    event.preventDefault()
    setMessage('')
    try {
      if (mode === 'register') await api('/register', { method: 'POST', body: form })
      const { username, password } = form
      onLogin(await api('/login', { method: 'POST', body: { username, password } }))
    } catch (error) {
      setMessage(error.message)
    }
  }

  return (
    <form onSubmit={submit}>
      <label>
        User name
        <input autoComplete="username" required {...field('username')} />
      </label>
      {mode === 'register' && (
        <label>
          E-mail
          <input type="email" required {...field('email')} />
        </label>
      )}
      <label>
        Password
        <input
          type="password"
          minLength={8}
          autoComplete={mode === 'login' ? 'current-password' : 'new-password'}
          required
          {...field('password')}
        />
      </label>
      {message && <p className="error" role="alert">{message}</p>}
      <button>{mode === 'login' ? 'Log in' : 'Register'}</button>
      <button type="button" onClick={() => setMode(mode === 'login' ? 'register' : 'login')}>
        {mode === 'login' ? 'I am new here' : 'I have an account'}
      </button>
    </form>
  )
}
