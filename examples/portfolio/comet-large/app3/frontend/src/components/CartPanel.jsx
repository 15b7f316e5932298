import React, { useState } from "react";

/** The cart and the order form. */
export default function CartPanel({ cart, onOrder }) {
  const [email, setEmail] = useState("");
  const [address, setAddress] = useState("");
  const [order, setOrder] = useState(null);

  const handleSubmit = async (event) => {
    event.preventDefault();
    setOrder(await onOrder({ email, address }));
  };

  return (
    <section>
      <h2>Cart</h2>
      <ul className="list">
        {cart.items.map((item, index) => (
          <li key={index}>
            {item.quantity} × {item.name}
          </li>
        ))}
      </ul>
      <p>Total: {(cart.total_cents / 100).toFixed(2)} €</p>
      <form onSubmit={handleSubmit}>
        <input type="email" placeholder="E-mail" value={email} onChange={(e) => setEmail(e.target.value)} />
        <input placeholder="Address" value={address} onChange={(e) => setAddress(e.target.value)} />
        <button disabled={cart.items.length === 0}>Order</button>
      </form>
      {order && <p>Your order number is {order.number}.</p>}
    </section>
  );
}
