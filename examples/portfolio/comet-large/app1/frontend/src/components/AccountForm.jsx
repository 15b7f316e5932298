import React, { useState } from "react";

import { request } from "../request.js";

/** Log in, or register first. */
export default function AccountForm({ onLogin }) {
  const [values, setValues] = useState({ username: "", email: "", password: "", remember: false });
  const [registering, setRegistering] = useState(false);
  const [error, setError] = useState(null);

  const handleChange = (event) => {
    const { name, type, checked, value } = event.target;
    setValues((old) => ({ ...old, [name]: type === "checkbox" ? checked : value }));
  };

  const handleSubmit = async (event) => {
    event.preventDefault();
    setError(null);
    if (registering) {
      const registered = await request("/register", "POST", values);
      if (!registered.ok) {
        setError(registered.data.error);
        return;
      }
    }
    const result = await request("/login", "POST", values);
    if (result.ok) {
      onLogin();
    } else {
      setError(result.data.error);
    }
  };

  return (
    <form onSubmit={handleSubmit}>
      <p>
        <input name="username" placeholder="User name" value={values.username} onChange={handleChange} />
      </p>
      {registering && (
        <p>
          <input name="email" type="email" placeholder="E-mail" value={values.email} onChange={handleChange} />
        </p>
      )}
      <p>
        <input
          name="password"
          type="password"
          placeholder="Password"
          value={values.password}
          onChange={handleChange}
        />
      </p>
      <label>
        <input name="remember" type="checkbox" checked={values.remember} onChange={handleChange} /> Stay logged in
      </label>
      {error && <p className="alert">{error}</p>}
      <button type="submit">{registering ? "Register" : "Log in"}</button>
      <button type="button" onClick={() => setRegistering(!registering)}>
        {registering ? "Back" : "New account"}
      </button>
    </form>
  );
}
