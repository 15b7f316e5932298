import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  server: {
    port: 3103,
    proxy: { '/api': process.env.BACKEND_URL ?? 'http://localhost:5103' },
  },
})
