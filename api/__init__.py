"""The API and the dashboard. Importing this opens nothing: :func:`create_app` is handed a store."""

from api.app import create_app
from api.asgi import create_asgi
from api.config import ApiConfig

__all__ = ["ApiConfig", "create_app", "create_asgi"]
