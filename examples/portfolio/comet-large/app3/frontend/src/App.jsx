import React, { useEffect, useState } from "react";

import CartPanel from "./components/CartPanel.jsx";
import ProductList from "./components/ProductList.jsx";
import useShop from "./useShop.js";

/** Root component of the shop. */
export default function App() {
  const { products, cart, search, addToCart, placeOrder, error } = useShop();
  const [paid, setPaid] = useState(false);

  // The payment frame tells us when the customer has paid.
  useEffect(() => {
    const onMessage = (event) => {
      if (event.data?.type === "paid") {
        setPaid(true);
        window.location.assign(event.data.next);
      }
    };
    window.addEventListener("message", onMessage);
    return () => window.removeEventListener("message", onMessage);
  }, []);

  return (
    <div className="app">
      <header className="app-header">
        <h1>Outdoor shop</h1>
        <input placeholder="Search" onChange={(event) => search(event.target.value)} />
      </header>
      {error && <p className="alert">{error}</p>}
      {paid && <p>Thank you for your payment!</p>}
      <ProductList products={products} onAdd={addToCart} />
      <CartPanel cart={cart} onOrder={placeOrder} />
    </div>
  );
}
