import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  server: {
    port: 3102,
    proxy: { '/api': process.env.BACKEND_URL ?? 'http://localhost:5102' },
  },
})
