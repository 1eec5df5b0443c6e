//! The values of a tensor as a slice, without copying them if they are in the CPU's memory.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, StorageRef, Tensor, Var};

/// The values of an f32 tensor, row-major; held for reading as long as this lives.
pub(crate) enum Values<'a> {
    /// In the tensor's own memory.
    Own(StorageRef<'a>, usize, usize),
    /// Copied from a device, or put in order.
    Copied(Vec<f32>),
}

impl<'a> Values<'a> {
    /// Of this tensor.
    pub(crate) fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        match (&*storage, layout.contiguous_offsets()) {
            (Storage::Cpu(CpuStorage::F32(_)), Some((start, end))) => Ok(Self::Own(storage, start, end)),
            _ => {
                drop(storage);
                Ok(Self::Copied(tensor.flatten_all()?.to_vec1()?))
            }
        }
    }
}

impl std::ops::Deref for Values<'_> {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        match self {
            Self::Own(storage, start, end) => match &**storage {
                Storage::Cpu(CpuStorage::F32(values)) => &values[*start..*end],
                _ => unreachable!("checked when it was made"),
            },
            Self::Copied(values) => values,
        }
    }
}

/// Changes a variable's values in place: on the CPU without a copy. Tensors that share its storage change with it.
pub(crate) fn change(var: &Var, change: impl FnOnce(&mut [f32])) -> Result<()> {
    if var.device().is_cpu() {
        return var.inplace_op1(&Change(Mutex::new(Some(change))));
    }
    let mut values = var.flatten_all()?.to_vec1()?;
    change(&mut values);
    var.set(&Tensor::from_vec(values, var.dims(), var.device())?)
}

/// The operation takes itself by reference, and the change is made once.
struct Change<F>(Mutex<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        "change"
    }
    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("only contiguous f32 tensors are changed in place, not {layout:?}");
        };
        if let Some(change) = self.0.lock().ok().and_then(|mut change| change.take()) {
            change(&mut values[start..end]);
        }
        Ok(())
    }
}
