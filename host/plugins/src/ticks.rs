//! Market data into the sandbox in one copy.
//!
//! wasmtime stores a list of records field by field, 35 to 40 ns a tick. A tick is 64 bytes of
//! scalars without padding, so its bytes in our memory are the bytes of the canonical ABI and a
//! whole list can be copied at once. The traits implemented here are wasmtime's own, their methods
//! hidden from its documentation: this file is why the exact version is pinned. The generated type
//! is the twin that the layout is asserted against, and what to fall back to: use `Vec<wit::Tick>`
//! instead of [`TickList`].

use crate::bindings::wit;
use hedgerow_model::{Tick, TickSlice};
use std::mem::{MaybeUninit, align_of, offset_of, size_of};
use wasmtime::Result;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

/// One tick, by its bytes.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Raw(Tick);

const _: () = {
    assert!(cfg!(target_endian = "little"), "the canonical ABI is little endian");
    assert!(size_of::<Tick>() == <wit::Tick as ComponentType>::SIZE32);
    assert!(align_of::<Tick>() == <wit::Tick as ComponentType>::ALIGN32 as usize);
    // the canonical ABI lays a record out in order, each field aligned: these offsets
    assert!(offset_of!(Tick, ts) == 0);
    assert!(offset_of!(Tick, recv_ts) == 8);
    assert!(offset_of!(Tick, seq) == 16);
    assert!(offset_of!(Tick, instrument) == 24);
    assert!(offset_of!(Tick, kind) == 28);
    assert!(offset_of!(Tick, flags) == 30);
    assert!(offset_of!(Tick, a) == 32);
    assert!(offset_of!(Tick, b) == 40);
    assert!(offset_of!(Tick, c) == 48);
    assert!(offset_of!(Tick, d) == 56);
};

#[allow(unsafe_code)]
// SAFETY: everything about the type is its twin's, whose size, alignment and offsets it shares.
unsafe impl ComponentType for Raw {
    type Lower = <wit::Tick as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <wit::Tick as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <wit::Tick as ComponentType>::typecheck(ty, types)
    }
}

#[allow(unsafe_code)]
// SAFETY: the only way a tick is lowered is in a list, where its bytes are copied as they are.
unsafe impl Lower for Raw {
    fn linear_lower_to_flat<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        Err(wasmtime::Error::msg("a tick is only lowered in a list"))
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        Self::linear_store_list_to_memory(cx, ty, offset, std::slice::from_ref(self))
    }

    fn linear_store_list_to_memory<T>(
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        offset: usize,
        items: &[Self],
    ) -> Result<()> {
        // SAFETY: plain scalars without padding, asserted above; any of their bytes may be read.
        let bytes = unsafe {
            std::slice::from_raw_parts(items.as_ptr().cast::<u8>(), std::mem::size_of_val(items))
        };
        cx.as_slice_mut()[offset..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// An owned list of ticks: owned, because a borrowed one would put a lifetime into the typed
/// function.
pub(crate) struct TickList(pub(crate) TickSlice);

impl TickList {
    #[allow(unsafe_code)]
    fn raw(&self) -> &[Raw] {
        let ticks: &[Tick] = &self.0;
        // SAFETY: Raw is a transparent wrapper of Tick.
        unsafe { std::slice::from_raw_parts(ticks.as_ptr().cast::<Raw>(), ticks.len()) }
    }
}

#[allow(unsafe_code)]
// SAFETY: the type of a list of ticks, by delegation.
unsafe impl ComponentType for TickList {
    type Lower = <[Raw] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <[Raw] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[Raw] as ComponentType>::typecheck(ty, types)
    }
}

#[allow(unsafe_code)]
// SAFETY: by delegation to the slice.
unsafe impl Lower for TickList {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        self.raw().linear_lower_to_flat(cx, ty, dst)
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.raw().linear_lower_to_memory(cx, ty, offset)
    }
}

#[cfg(test)]
mod tests;
