"""Vision transformers: patches, a class token, attention written out; and an all-MLP mixer."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class Attention(M.Module):
    """Multi-head self-attention over (N, T, C)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (channels // heads) ** -0.5
        self.qkv = M.Linear(channels, 3 * channels)
        self.proj = M.Linear(channels, channels)
        self.drop = M.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, channels // self.heads)
        qkv = qkv.transpose(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = F.matmul(q, k.transpose(0, 1, 3, 2)) * self.scale
        weights = self.drop(F.softmax(weights, axis=-1))
        y = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, tokens, channels)
        return self.drop(self.proj(y))


class FeedForward(M.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = M.Linear(channels, hidden)
        self.act = M.GELU()
        self.fc2 = M.Linear(hidden, channels)
        self.drop = M.Dropout(drop_prob=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(M.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1 = M.LayerNorm(channels, eps=1e-6)
        self.attn = Attention(channels, heads)
        self.norm2 = M.LayerNorm(channels, eps=1e-6)
        self.mlp = FeedForward(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(M.Module):
    def __init__(self, patch: int, channels: int) -> None:
        super().__init__()
        self.proj = M.Conv2d(3, channels, kernel_size=patch, stride=patch)
        self.norm = M.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(F.flatten(self.proj(x), 2).transpose(0, 2, 1))


class VisionTransformer(M.Module):
    """Images (N, 3, side, side) to logits (N, classes)."""

    def __init__(
        self, side: int, patch: int, *, channels: int, depth: int, heads: int, classes: int
    ) -> None:
        super().__init__()
        self.embed = PatchEmbed(patch, channels)
        count = (side // patch) ** 2
        self.cls_token = mge.Parameter(np.zeros((1, 1, channels), np.float32))
        self.pos_embed = mge.Parameter(np.zeros((1, count + 1, channels), np.float32))
        self.blocks = M.Sequential(*[Block(channels, heads) for _ in range(depth)])
        self.norm = M.LayerNorm((channels,))
        self.head = M.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        token = F.broadcast_to(self.cls_token, (x.shape[0], 1, x.shape[2]))
        x = F.concat((token, x), axis=1) + self.pos_embed
        x = self.norm(self.blocks(x))
        return self.head(x[:, 0])


class MixerBlock(M.Module):
    """Mix over the tokens, then over the channels."""

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.norm1 = M.LayerNorm(channels)
        self.tokens = FeedForward(tokens, 2 * tokens)
        self.norm2 = M.LayerNorm(channels)
        self.channels = FeedForward(channels, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.transpose(self.norm1(x), (0, 2, 1))
        x = x + F.transpose(self.tokens(y), (0, 2, 1))
        return x + self.channels(self.norm2(x))


class Mixer(M.Module):
    """MLP-mixer: images (N, 3, side, side) to logits (N, classes)."""

    def __init__(self, side: int, patch: int, *, channels: int, depth: int, classes: int) -> None:
        super().__init__()
        self.embed = PatchEmbed(patch, channels)
        tokens = (side // patch) ** 2
        self.blocks = [MixerBlock(tokens, channels) for _ in range(depth)]
        self.norm = M.LayerNorm(channels)
        self.head = M.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(axis=1))
