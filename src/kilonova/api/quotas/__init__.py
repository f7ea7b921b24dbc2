"""Limits: what a project may have (`/limits`), quota sets of projects and users, quota classes."""
