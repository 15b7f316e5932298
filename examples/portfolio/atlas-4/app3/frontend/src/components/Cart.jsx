import { useState } from 'react'
import { api } from '../api.js'

export default function Cart({ cart, onOrdered }) {
  const [form, setForm] = useState({ email: '', address: '' })
  const [message, setMessage] = useState('')

  async function order(event) {
    event.preventDefault()
    try {
      const result = await api('/orders', { method: 'POST', body: form })
      setMessage(`Thank you, your order number is ${result.number}`)
      onOrdered()
    } catch (error) {
      setMessage(error.message)
    }
  }

  return (
    <section className="card">
      <h2>Cart</h2>
      <ul>
        {cart.items.map((item) => (
          <li key={item.product_id}>{item.quantity} × {item.name}</li>
        ))}
      </ul>
      <p>Total: {(cart.total_cents / 100).toFixed(2)} €</p>
      <form onSubmit={order}>
        <input type="email" placeholder="E-mail" required onChange={(e) => setForm({ ...form, email: e.target.value })} />
        <input placeholder="Address" required onChange={(e) => setForm({ ...form, address: e.target.value })} />
        <button disabled={cart.items.length === 0}>Order</button>
      </form>
      <p aria-live="polite">{message}</p>
    </section>
  )
}
