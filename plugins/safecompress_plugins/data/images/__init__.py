"""Images: files, folders and archives."""
