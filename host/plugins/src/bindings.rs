//! What wasmtime generates from the contract. Everything but `on-market` is called through it.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "strategy",
    imports: { default: trappable },
});

pub(crate) use hedgerow::strategy::types as wit;
