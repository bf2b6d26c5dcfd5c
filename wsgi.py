"""The WSGI application, configured by the `ODATA_*` variables: `gunicorn wsgi:application`."""

from app.web import create_app

application = create_app()
