/**
 * Call the backend.
 *
 * Never throws for an error status: look at `ok`.
 */
export async function request(path, method = "GET", body = undefined) {
  const response = await fetch(`/api${path}`, {
    method,
    credentials: "same-origin",
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const data = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, data };
}
