"""What the doctor looks at, one module a part of an installation."""
