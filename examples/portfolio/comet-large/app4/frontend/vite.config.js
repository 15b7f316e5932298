import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";

// The development server forwards API calls to the Flask backend.
export default defineConfig({
  plugins: [react()],
  server: {
    port: 3304,
    proxy: {
      "/api": {
        target: process.env.BACKEND_URL || "http://localhost:5304",
        changeOrigin: true,
      },
    },
  },
});
