import { useEffect, useState } from 'react'
import { api } from './api.js'
import LoginForm from './components/LoginForm.jsx'
import Profile from './components/Profile.jsx'

export default function App() {
  const [user, setUser] = useState(null)
  const [ready, setReady] = useState(false)

  useEffect(() => {
    api('/profile')
      .then(setUser)
      .catch(() => setUser(null))
      .finally(() => setReady(true))
  }, [])

  async function logout() {
    await api('/logout', { method: 'POST' })
    setUser(null)
  }

  if (!ready) return <main>Loading…</main>

  return (
    <main>
      <h1>{user ? `Welcome, ${user.display_name}` : 'Account'}</h1>
      {user ? (
        <>
          <Profile user={user} onChange={setUser} />
          <p>
            <button onClick={logout}>Log out</button>
          </p>
        </>
      ) : (
        <LoginForm onLogin={setUser} />
      )}
      <footer>
        <a href="https://www.example.org/help" target="_blank" rel="noopener noreferrer">
          Help
        </a>
      </footer>
    </main>
  )
}
