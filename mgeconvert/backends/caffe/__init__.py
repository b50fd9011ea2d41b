"""Caffe: a net as text, and its weights."""

from mgeconvert.backends.caffe.backend import BACKEND

__all__ = ["BACKEND"]
