//! The model file: a header, dense weights, then three signed bytes a bucket.
//!
//! `CPSM`, a format byte, the number of dense features, two zero bytes; the scale of a byte (f32);
//! dense weights (f32) by feature and class; the buckets. Little endian.

use super::features::{DENSE, Shown};

/// Bits of a bucket's number.
pub(in crate::sentiment) const BITS: u32 = 18;
/// Buckets of the hashed features.
pub(in crate::sentiment) const BUCKETS: usize = 1 << BITS;
/// Negative, neutral, positive.
pub(in crate::sentiment) const CLASSES: usize = 3;

const MAGIC: [u8; 4] = *b"CPSM";
const FORMAT: u8 = 2;
const HEADER: usize = 12;

/// A model in memory; the buckets stay in the file's bytes.
#[derive(Debug, Clone)]
pub(in crate::sentiment) struct Model<'a> {
    scale: f32,
    dense: [[f32; CLASSES]; DENSE],
    buckets: &'a [[u8; CLASSES]],
}

impl<'a> Model<'a> {
    /// Reads a model file; none when it is of another format or size.
    pub(in crate::sentiment) fn parse(file: &'a [u8]) -> Option<Self> {
        let (header, rest) = file.split_at_checked(HEADER)?;
        let shape = [FORMAT, u8::try_from(DENSE).ok()?, 0, 0];
        if header.get(..4)? != MAGIC || header.get(4..8)? != shape {
            return None;
        }
        let scale = float(header.get(8..12)?)?;
        let (dense_bytes, buckets) = rest.split_at_checked(DENSE * CLASSES * 4)?;
        let (buckets, rest) = buckets.as_chunks();
        if buckets.len() != BUCKETS || !rest.is_empty() {
            return None;
        }
        let mut dense = [[0.0; CLASSES]; DENSE];
        for (weight, bytes) in dense.iter_mut().flatten().zip(dense_bytes.chunks_exact(4)) {
            *weight = float(bytes)?;
        }
        Some(Self {
            scale,
            dense,
            buckets,
        })
    }

    /// The sums of the weights of `buckets`, in steps of a byte.
    pub(in crate::sentiment) fn sums(&self, buckets: &[u32]) -> [i32; CLASSES] {
        let mut sums = [0_i32; CLASSES];
        for bucket in buckets {
            if let Some(&[negative, neutral, positive]) = self.buckets.get(index(*bucket)) {
                sums[0] += i32::from(negative.cast_signed());
                sums[1] += i32::from(neutral.cast_signed());
                sums[2] += i32::from(positive.cast_signed());
            }
        }
        sums
    }

    /// The logits of negative, neutral and positive of what is shown, from the sums of its buckets.
    pub(in crate::sentiment) fn logits(
        &self,
        sums: [i32; CLASSES],
        shown: &Shown,
    ) -> [f32; CLASSES] {
        let factor = self.scale * norm(shown.count) * shown.share;
        let mut logits = [-shown.prior / 2.0, 0.0, shown.prior / 2.0];
        for (class, logit) in logits.iter_mut().enumerate() {
            *logit += sums.get(class).map_or(0.0, |sum| real(*sum)) * factor;
            for (weights, value) in self.dense.iter().zip(shown.dense) {
                *logit += weights.get(class).copied().unwrap_or(0.0) * value;
            }
        }
        logits
    }
}

/// The place of a bucket.
pub(in crate::sentiment) fn index(bucket: u32) -> usize {
    usize::try_from(bucket).unwrap_or_default()
}

/// What each hashed feature of a text with `count` of them is worth.
pub(in crate::sentiment) fn norm(count: usize) -> f32 {
    let count = u16::try_from(count.max(1)).unwrap_or(u16::MAX);
    1.0 / f32::from(count).sqrt()
}

/// Sums stay far below 2^24, where `f32` is exact.
pub(in crate::sentiment) fn real(sum: i32) -> f32 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of bytes over one text is below 2^24"
    )]
    let real = sum as f32;
    real
}

fn float(bytes: &[u8]) -> Option<f32> {
    Some(f32::from_le_bytes(bytes.try_into().ok()?))
}

/// Writes a model file from trained weights: by bucket, then by dense feature, each by class.
pub(in crate::sentiment) fn write(
    buckets: &[[f32; CLASSES]],
    dense: &[[f32; CLASSES]; DENSE],
) -> Vec<u8> {
    let largest = clip(buckets);
    let scale = largest / 127.0;
    let mut file = Vec::with_capacity(HEADER + DENSE * CLASSES * 4 + BUCKETS * CLASSES);
    file.extend(MAGIC);
    file.extend([FORMAT, u8::try_from(DENSE).unwrap_or(0), 0, 0]);
    file.extend(scale.to_le_bytes());
    file.extend(
        dense
            .iter()
            .flatten()
            .flat_map(|weight| weight.to_le_bytes()),
    );
    file.extend(buckets.iter().flatten().map(|weight| {
        let steps = (weight / scale).round().clamp(-127.0, 127.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounded and clamped to an i8 above"
        )]
        let byte = steps as i8;
        byte.cast_unsigned()
    }));
    file
}

/// The size that all but one weight in two thousand stay within.
fn clip(buckets: &[[f32; CLASSES]]) -> f32 {
    let mut sizes: Vec<f32> = buckets
        .iter()
        .flatten()
        .map(|weight| weight.abs())
        .collect();
    sizes.sort_by(f32::total_cmp);
    let at = sizes.len() - sizes.len() / 2000;
    sizes
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or(1.0)
        .max(1e-6)
}
