import { useState } from 'react'
import { api } from '../api.js'

const KEY = 'shop-admin'

export default function AdminOrders() {
  const [orders, setOrders] = useState(null)
  const [login, setLogin] = useState({ user: '', password: '' })
  const [message, setMessage] = useState('')

  async function load(event) {
    event.preventDefault()
    const credentials = localStorage.getItem(KEY) ?? btoa(`${login.user}:${login.password}`)
    try {
      setOrders(await api('/orders', { headers: { Authorization: `Basic ${credentials}` } }))
      localStorage.setItem(KEY, credentials)
    } catch {
      localStorage.removeItem(KEY)
      setMessage('Login failed')
    }
  }

  return (
    <details>
      <summary>Shop owner</summary>
      <form onSubmit={load}>
        <input placeholder="User" onChange={(e) => setLogin({ ...login, user: e.target.value })} />
        <input type="password" onChange={(e) => setLogin({ ...login, password: e.target.value })} />
        <button>Show orders</button>
      </form>
      <p className="error">{message}</p>
      <ul>
        {orders?.map((order) => (
          <li key={order.id}>{order.number} {order.email}</li>
        ))}
      </ul>
    </details>
  )
}
