import { useCallback, useEffect, useState } from "react";

const EMPTY_CART = { items: [], total_cents: 0 };

/** Key with which the payment provider recognises this order. */
function paymentKey() {
  return "pay_" + Math.random().toString(16).slice(2);
}

async function call(path, options = {}) {
  const response = await fetch(`/api${path}`, {
    ...options,
    headers: { "Content-Type": "application/json" },
  });
  const data = await response.json();
  if (!response.ok) {
    throw new Error(data.error);
  }
  return data;
}

/** State and actions of the shop. */
export default function useShop() {
  const [products, setProducts] = useState([]);
  const [cart, setCart] = useState(EMPTY_CART);
  const [error, setError] = useState(null);

  const guard = useCallback(async (action) => {
    try {
      setError(null);
      return await action();
    } catch (problem) {
      setError(problem.message);
      return null;
    }
  }, []);

  useEffect(() => {
    guard(async () => {
      setProducts(await call("/products"));
      setCart(await call("/cart"));
    });
  }, [guard]);

  const search = (term) =>
    guard(async () => setProducts(await call(`/search?q=${encodeURIComponent(term)}`)));

  const addToCart = (product) =>
    guard(async () => {
      const body = { product_id: product.id, quantity: 1, price_cents: product.price_cents };
      setCart(await call("/cart", { method: "POST", body: JSON.stringify(body) }));
    });

  const placeOrder = (details) =>
    guard(async () => {
      const body = { ...details, payment_key: paymentKey() };
      const order = await call("/orders", { method: "POST", body: JSON.stringify(body) });
      setCart(EMPTY_CART);
      return order;
    });

  return { products, cart, search, addToCart, placeOrder, error };
}
