"""The pages: rendered on the server, no logic. What a page is: `page`; who asks: `visit`; the application: `app`."""
