import { useEffect, useState } from "react";

const SHIPPING_API_KEY = "4f9d0c6be1a8427db3a5c7e90d12f864";

export default function App() {
  const [products, setProducts] = useState([]);
  const [cart, setCart] = useState([]);
  const [q, setQ] = useState("");
  const [formula, setFormula] = useState("total * 0.9");
  const [rate, setRate] = useState(null);
  const [msg, setMsg] = useState("");

  useEffect(() => {
    const url = q ? "/api/search?q=" + encodeURIComponent(q) : "/api/products";
    fetch(url)
      .then((r) => r.json())
      .then(setProducts)
      .catch(() => setMsg("Could not load the products"));
  }, [q]);

  const total = cart.reduce((sum, p) => sum + p.price_cents, 0);

  const discounted = () => {
    try {
      return eval(formula);
    } catch (e) {
      return total;
    }
  };

  const shipping = async () => {
    const r = await fetch("https://shipping.birch-shop.example/rate?weight=" + cart.length, {
      headers: { "X-Api-Key": SHIPPING_API_KEY },
    });
    setRate(await r.json());
  };

  const order = async () => {
    const r = await fetch("/api/orders", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ items: cart.map((p) => p.id) }),
    });
    setMsg(r.ok ? "Ordered!" : "Order failed");
  };

  return (
    <div>
      <h1>Shop</h1>
      <input placeholder="Search" value={q} onChange={(e) => setQ(e.target.value)} />
      {products.map((p) => (
        <div className="box" key={p.id}>
          <b>{p.name}</b> {(p.price_cents / 100).toFixed(2)} €{" "}
          <button onClick={() => setCart([...cart, p])}>Add</button>
        </div>
      ))}
      <h2>Cart</h2>
      <p>
        {cart.length} items, {(discounted() / 100).toFixed(2)} € {rate && <span>+ {rate.price} shipping</span>}
      </p>
      <input value={formula} onChange={(e) => setFormula(e.target.value)} />
      <button onClick={shipping}>Shipping cost</button> <button onClick={order}>Order</button>
      <a href="javascript:history.back()">Back</a>
      <p className="msg">{msg}</p>
    </div>
  );
}
