import { useEffect, useState } from 'react'
import { api } from './api.js'
import AdminOrders from './components/AdminOrders.jsx'
import Cart from './components/Cart.jsx'

const NEWSLETTER = 'http://newsletter.atlas-shop.example/subscribe'

export const euros = (cents) => (cents / 100).toLocaleString('en', { style: 'currency', currency: 'EUR' })

export default function App() {
  const [products, setProducts] = useState([])
  const [cart, setCart] = useState({ items: [], total_cents: 0 })
  const [query, setQuery] = useState('')
  const [email, setEmail] = useState('')
  const [message, setMessage] = useState('')

  useEffect(() => {
    const path = query ? `/search?q=${encodeURIComponent(query)}` : '/products'
    api(path).then(setProducts).catch((error) => setMessage(error.message))
  }, [query])

  useEffect(() => {
    api('/cart').then(setCart)
  }, [])

  async function add(product) {
    try {
      setCart(await api('/cart', { method: 'POST', body: { product_id: product.id, quantity: 1 } }))
    } catch (error) {
      setMessage(error.message)
    }
  }

  async function subscribe(event) {
    event.preventDefault()
    await fetch(NEWSLETTER, { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ email }) })
    setMessage('Thank you for subscribing!')
  }

  return (
    <main>
      <h1>Shop</h1>
      <input placeholder="Search products" value={query} onChange={(e) => setQuery(e.target.value)} />
      {message && <p className="error">{message}</p>}
      <div className="grid">
        {products.map((product) => (
          <article className="card" key={product.id}>
            <h3>{product.name}</h3>
            <p>{product.description}</p>
            <p>{euros(product.price_cents)}</p>
            <button disabled={product.stock === 0} onClick={() => add(product)}>Add to cart</button>
          </article>
        ))}
      </div>
      <Cart cart={cart} onOrdered={() => setCart({ items: [], total_cents: 0 })} />
      <form onSubmit={subscribe}>
        <label>
          Newsletter
          <input type="email" value={email} onChange={(e) => setEmail(e.target.value)} required />
        </label>
        <button>Subscribe</button>
      </form>
      <AdminOrders />
    </main>
  )
}
