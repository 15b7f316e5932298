import React, { useEffect, useState } from "react";

import AccountForm from "./components/AccountForm.jsx";
import { request } from "./request.js";

/** Root component: shows the form or the profile. */
export default function App() {
  const [profile, setProfile] = useState(null);

  useEffect(() => {
    request("/profile").then((result) => setProfile(result.ok ? result.data : null));
  }, []);

  const handleLogout = async () => {
    await request("/logout", "POST");
    setProfile(null);
  };

  const handleLogin = async () => {
    const result = await request("/profile");
    setProfile(result.ok ? result.data : null);
  };

  return (
    <div className="app">
      <header className="app-header">
        <h1>Account</h1>
        {profile && <button onClick={handleLogout}>Log out</button>}
      </header>
      {profile ? (
        <dl>
          <dt>User name</dt>
          <dd>{profile.username}</dd>
          <dt>E-mail</dt>
          <dd>{profile.email}</dd>
          <dt>About</dt>
          <dd>{profile.bio}</dd>
        </dl>
      ) : (
        <AccountForm onLogin={handleLogin} />
      )}
    </div>
  );
}
