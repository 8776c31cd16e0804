//! The file of a language's gates: a header, three figures a gate, then a signed byte a bucket and gate.
//!
//! `CPSG`, a format byte, the number of gates, the bits of a bucket's number, a zero byte; by gate the scale
//! of a byte, the bias and what the feeling weighs (f32); the buckets, each with one byte a gate. Little endian.

use crate::sentiment::linear;

/// Leaving; safety or the law.
pub(in crate::sentiment) const GATES: usize = 2;
/// Bits of a bucket's number: the sentiment model's without its lowest.
const BITS: u32 = 17;
/// Buckets of the hashed features.
pub(in crate::sentiment) const BUCKETS: usize = 1 << BITS;

const MAGIC: [u8; 4] = *b"CPSG";
const FORMAT: u8 = 1;
const HEADER: usize = 8;
/// Bytes of a gate's figures.
const FIGURES: usize = 12;
/// Added to the number of features, so that one word in a short text is no proof.
const SMOOTHING: f32 = 20.0;
/// Log-odds of positive against negative that count as one of feeling, and how much of it counts at most.
const FELT: (f32, f32) = (3.0, 1.5);

/// What a gate counts beside the buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::sentiment) struct Head {
    /// What one step of a byte is worth.
    pub scale: f32,
    /// Log-odds before a word is read, above those of the threshold.
    pub bias: f32,
    /// What a text that is felt clearly positive adds.
    pub feeling: f32,
}

/// The gates of one language in memory; the buckets stay in the file's bytes.
#[derive(Debug, Clone)]
pub(in crate::sentiment) struct Gates<'a> {
    heads: [Head; GATES],
    buckets: &'a [[u8; GATES]],
}

impl<'a> Gates<'a> {
    /// Reads a file; none when it is of another format or size.
    pub(in crate::sentiment) fn parse(file: &'a [u8]) -> Option<Self> {
        let (header, rest) = file.split_at_checked(HEADER)?;
        if header.get(..4)? != MAGIC || header.get(4..)? != shape() {
            return None;
        }
        let (figures, buckets) = rest.split_at_checked(FIGURES * GATES)?;
        let (buckets, rest) = buckets.as_chunks();
        if buckets.len() != BUCKETS || !rest.is_empty() {
            return None;
        }
        let mut floats = figures.chunks_exact(4).map(float);
        let mut heads = [Head::default(); GATES];
        for head in &mut heads {
            *head = Head {
                scale: floats.next()??,
                bias: floats.next()??,
                feeling: floats.next()??,
            };
        }
        Some(Self { heads, buckets })
    }

    /// The weights of a bucket of the sentiment model, in steps, by gate.
    pub(in crate::sentiment) fn steps(&self, bucket: u32) -> [i32; GATES] {
        self.buckets.get(place(bucket)).map_or([0; GATES], |steps| {
            steps.map(|byte| i32::from(byte.cast_signed()))
        })
    }

    /// The sums of the weights of `buckets`, in steps, by gate.
    pub(in crate::sentiment) fn sums(&self, buckets: &[u32]) -> [i32; GATES] {
        let mut sums = [0; GATES];
        for bucket in buckets {
            let [leaving, danger] = self.steps(*bucket);
            sums[0] += leaving;
            sums[1] += danger;
        }
        sums
    }

    /// What a gate counts beside the buckets.
    pub(in crate::sentiment) fn head(&self, gate: usize) -> Head {
        self.heads.get(gate).copied().unwrap_or_default()
    }
}

fn shape() -> [u8; 4] {
    let gates = u8::try_from(GATES).unwrap_or(0);
    let bits = u8::try_from(BITS).unwrap_or(0);
    [FORMAT, gates, bits, 0]
}

/// The place of a bucket of the sentiment model.
pub(in crate::sentiment) fn place(bucket: u32) -> usize {
    linear::index(bucket >> (linear::BITS - BITS))
}

/// What each of `count` hashed features is worth.
pub(in crate::sentiment) fn worth(count: usize) -> f32 {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    1.0 / (f32::from(count) + SMOOTHING).sqrt()
}

/// Log-odds of positive against negative as a feature, -1.5 to 1.5.
pub(in crate::sentiment) fn felt(odds: f32) -> f32 {
    let (one, most) = FELT;
    (odds / one).clamp(-most, most)
}

/// The score of a text from those of the whole and of its sentences: half of it is the whole's, half that of
/// whatever speaks most for the gate.
pub(in crate::sentiment) fn joined(whole: f32, sentences: impl Iterator<Item = f32>) -> f32 {
    f32::midpoint(whole, sentences.fold(whole, f32::max))
}

fn float(bytes: &[u8]) -> Option<f32> {
    Some(f32::from_le_bytes(bytes.try_into().ok()?))
}

/// Writes a file from trained weights: by gate its bias and what the feeling weighs, then its buckets.
pub(in crate::sentiment) fn write(gates: [(f32, f32, &[f32]); GATES]) -> Vec<u8> {
    let scales = gates.map(|(_, _, weights)| {
        let largest = weights
            .iter()
            .fold(1e-6_f32, |most, one| most.max(one.abs()));
        largest / 127.0
    });
    let mut file = Vec::with_capacity(HEADER + GATES * (FIGURES + BUCKETS));
    file.extend(MAGIC);
    file.extend(shape());
    for ((bias, feeling, _), scale) in gates.iter().zip(scales) {
        file.extend(
            [scale, *bias, *feeling]
                .iter()
                .flat_map(|f| f.to_le_bytes()),
        );
    }
    for bucket in 0..BUCKETS {
        for ((_, _, weights), scale) in gates.iter().zip(scales) {
            let weight = weights.get(bucket).copied().unwrap_or(0.0);
            file.push(byte(weight / scale));
        }
    }
    file
}

fn byte(steps: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded and clamped to an i8 before"
    )]
    let byte = steps.round().clamp(-127.0, 127.0) as i8;
    byte.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mut weights = vec![0.0; BUCKETS];
        weights[7] = 2.0;
        weights[8] = -1.0;
        let none = vec![0.0; BUCKETS];
        let file = write([(-0.5, 0.25, &weights), (1.0, 0.0, &none)]);
        let gates = Gates::parse(&file).unwrap();
        assert_eq!(gates.steps(14), [127, 0]);
        assert_eq!(gates.sums(&[15, 16, 17, 3]), [127 - 2 * 64, 0]);
        assert_eq!(gates.head(0).bias.to_bits(), (-0.5_f32).to_bits());
        assert_eq!(gates.head(1).bias.to_bits(), 1.0_f32.to_bits());
        assert!(Gates::parse(&file[..file.len() - 1]).is_none());
        for at in 0..8 {
            let mut other = file.clone();
            other[at] ^= 1;
            assert!(Gates::parse(&other).is_none(), "{at}");
        }
    }
}
