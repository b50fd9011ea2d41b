"""Multi-head attention."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f32

Q, K = f32(3, 5, 8), f32(3, 7, 8)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

CASES: list[Case] = [
    *(
        case(
            "m(q, k, k, need_weights=True)",
            q=Q,
            k=K,
            m=f"M.MultiHeadAttention(8, {settings})",
            dynamic=True,
            **CLOSE,
        )
        for settings in ("2", "4, bias=False", "1", "2, attn_dropout=0.5")
    ),
    case(
        "m(q, k, v, need_weights=True)",
        q=Q,
        k=f32(3, 7, 6),
        v=f32(3, 7, 4),
        m="M.MultiHeadAttention(8, 2, kdim=6, vdim=4)",
        **CLOSE,
    ),
    case(
        "m(q, k, k, need_weights=True, average_attn_weights=True)",
        q=Q,
        k=K,
        m="M.MultiHeadAttention(8, 2)",
        dynamic=True,
        **CLOSE,
    ),
    *(
        case(
            f"m(q, k, k, {name}=a, need_weights=True)",
            q=Q,
            k=K,
            a=mask,
            m="M.MultiHeadAttention(8, 2)",
            **CLOSE,
        )
        for name, mask in (
            ("attn_mask", f32(5, 7)),
            ("attn_mask", f32(6, 5, 7)),
            ("attn_mask", b8(5, 7)),
            ("key_padding_mask", f32(3, 7)),
            ("key_padding_mask", b8(3, 7)),
        )
    ),
    case(
        "m(q, k, k, a, b, need_weights=True)",
        q=Q,
        k=K,
        a=f32(3, 7),
        b=f32(5, 7),
        m="M.MultiHeadAttention(8, 2)",
        **CLOSE,
    ),
    case(
        "F.nn.multi_head_attention(q, k, k, 8, 2, 0.0, 0.0, w, need_weights=True, training=False)",
        q=Q,
        k=K,
        w="mge.Parameter(np.zeros((1, 256), 'float32'))",
        **CLOSE,
    ),
]
