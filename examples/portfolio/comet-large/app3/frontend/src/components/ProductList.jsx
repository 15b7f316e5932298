import React from "react";

/** One line per product; descriptions may contain simple markup. */
export default function ProductList({ products, onAdd }) {
  if (products.length === 0) {
    return <p>No products found.</p>;
  }
  return (
    <ul className="list">
      {products.map((product) => (
        <li key={product.id}>
          <strong>{product.name}</strong>
          <span dangerouslySetInnerHTML={{ __html: product.description }} />
          <span>{(product.price_cents / 100).toFixed(2)} €</span>
          <a href={`/api/products/${product.id}/reviews`}>Reviews</a>
          <button onClick={() => onAdd(product)}>Add to cart</button>
        </li>
      ))}
    </ul>
  );
}
