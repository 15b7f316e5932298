"""The routes of a backend, read from its source: Flask, FastAPI, Express."""

from batchnb.tools.routes.find import find_routes
from batchnb.tools.routes.openapi import openapi
from batchnb.tools.routes.route import Route, RouteMap

__all__ = ["Route", "RouteMap", "find_routes", "openapi"]
