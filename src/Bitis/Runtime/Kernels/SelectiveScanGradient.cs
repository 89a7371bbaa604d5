using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The reverse pass of <see cref="SelectiveScan"/>. With ȳ = ∂L/∂y, from the last token to the first:
/// <code>
/// h̄_t     = h̄_t + C_t·ȳ_t                     C̄_t = Σ_e ȳ_t·h_t
/// B̄_t     = Σ_e h̄_t·Δ_t·u_t                   ū_t = D·ȳ_t + Δ_t·Σ_n h̄_t·B_t        D̄ = Σ_t ȳ_t·u_t
/// g_t     = h̄_t·exp(Δ_t·A)·h_(t−1)            Δ̄_t = Σ_n g_t·A + u_t·Σ_n h̄_t·B_t    Ā = Σ_t g_t·Δ_t
/// h̄_(t−1) = h̄_t·exp(Δ_t·A)
/// </code>
/// (here bars are gradients). Hidden states are not stored: chunk by chunk, from the last to the first, they are computed
/// again from the forward's checkpoint, with their decays, into a buffer that stays in the nearest cache.
/// </summary>
/// <remarks>
/// B̄ and C̄ are sums over all channels. Lanes hold 16 channels, so each token and state of a chunk has a register-wide
/// sum, which all channels pass over; at the end of the chunk its lanes are added up. One call does all channels of a
/// sequence in a fixed order; the parallel dimension is the batch.
/// </remarks>
internal static unsafe class SelectiveScanGradient
{
    private const int ChunkTokens = SelectiveScan.ChunkTokens;
    private const float Ln2 = 0.693147182f;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<SelectiveScanGradientKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &Run<Lanes512>),
        new(InstructionSet.Avx2, &Run<Lanes256>),
        new(InstructionSet.Portable, &RunPortable));

    /// <summary>Computes all gradients of one sequence.</summary>
    /// <param name="call">The operands.</param>
    /// <param name="channels">E.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    public static void Run(in SelectiveScanGradientCall call, int channels, float* scratch) =>
        Table.Best.Run(in call, channels, scratch);

    /// <summary>The elements of scratch memory that a call needs.</summary>
    /// <param name="channels">E.</param>
    /// <param name="states">N.</param>
    public static int ScratchLength(int channels, int states)
    {
        const int widest = 16;
        return (channels * states) + (states * widest * ((4 * ChunkTokens) + 1)) + (2 * ChunkTokens * widest);
    }

    private static void RunPortable(in SelectiveScanGradientCall call, int channels, float* scratch)
    {
        if (Vector128.IsHardwareAccelerated)
            Run<Lanes128>(in call, channels, scratch);
        else
            Run<Lane1>(in call, channels, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in SelectiveScanGradientCall call, int channels, float* scratch)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.Forward.States, tokens = call.Forward.Tokens;
        int wide = channels / TLanes.Count * TLanes.Count;
        float* carried = scratch; // h̄ before the chunk, [E, N] by registers
        float* work = carried + ((nint)channels * states);
        new Span<float>(carried, channels * states).Clear();
        int lastChunk = (tokens - 1) / ChunkTokens;
        for (int chunk = lastChunk; chunk >= 0; chunk--)
        {
            int start = chunk * ChunkTokens, count = Math.Min(ChunkTokens, tokens - start);
            float* bSums = work; // [count, N] registers
            float* cSums = bSums + (count * states * TLanes.Count);
            float* buffers = cSums + (count * states * TLanes.Count);
            new Span<float>(bSums, 2 * count * states * TLanes.Count).Clear();
            for (int channel = 0; channel < wide; channel += TLanes.Count)
                RunChunk<TLanes>(in call, chunk, start, count, channel, carried + (channel * states), bSums, cSums, TLanes.Count, buffers);
            for (int channel = wide; channel < channels; channel++)
                RunChunk<Lane1>(in call, chunk, start, count, channel, carried + (channel * states), bSums, cSums, TLanes.Count, buffers);
            WriteSums<TLanes>(in call, start, count, bSums, cSums);
        }
    }

    /// <summary>One register of channels through one chunk: forward to recover the states, then backward.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunChunk<TLanes>(
        in SelectiveScanGradientCall call,
        int chunk,
        int start,
        int count,
        int channel,
        float* carried,
        float* bSums,
        float* cSums,
        int sumStride,
        float* buffers)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.Forward.States, width = TLanes.Count, row = states * TLanes.Count;
        nint aStride = call.Forward.AStride;
        float* decays = buffers; // [count, N]
        float* history = decays + (count * row); // [1 + count, N]: the state before the chunk, then after each token
        float* deltas = history + ((count + 1) * row); // [count]
        float* slopes = deltas + (count * width); // [count], ∂Δ/∂(Δ before the softplus)
        Recover<TLanes>(in call.Forward, chunk, start, count, channel, decays, history, deltas, slopes);

        TLanes zero = TLanes.Create(0f);
        TLanes skip = call.Forward.D is null ? zero : TLanes.Load(call.Forward.D + channel);
        TLanes skipGradient = zero;
        for (int i = count - 1; i >= 0; i--)
        {
            nint token = call.Forward.Reverse ? call.Forward.Tokens - 1 - (start + i) : start + i;
            TLanes y = TLanes.Load(call.OutputGradient + (token * call.OutputGradientStride) + channel)
                * TLanes.Create(call.Forward.OutputScale);
            TLanes u = TLanes.Load(call.Forward.U + (token * call.Forward.UStride) + channel);
            TLanes delta = TLanes.Load(deltas + (i * width));
            TLanes input = delta * u;
            float* b = call.Forward.B + (token * call.Forward.BStride);
            float* c = call.Forward.C + (token * call.Forward.CStride);
            float* decay = decays + (i * row);
            float* before = history + (i * row);
            float* after = before + row;
            float* bSum = bSums + (i * states * sumStride);
            float* cSum = cSums + (i * states * sumStride);
            float* rate = call.Forward.A + channel;
            float* rateGradient = call.AGradient + channel;
            TLanes throughB = zero, throughA = zero; // Σ_n h̄·B and Σ_n g·A/ln 2
            for (int n = 0; n < states; n++)
            {
                TLanes h = TLanes.MultiplyAdd(y, TLanes.Create(c[n]), TLanes.Load(carried + (n * width)));
                TLanes.Store(TLanes.MultiplyAdd(y, TLanes.Load(after), TLanes.Load(cSum)), cSum);
                TLanes.Store(TLanes.MultiplyAdd(h, input, TLanes.Load(bSum)), bSum);
                throughB = TLanes.MultiplyAdd(h, TLanes.Create(b[n]), throughB);
                h *= TLanes.Load(decay);
                TLanes.Store(h, carried + (n * width));
                TLanes g = h * TLanes.Load(before);
                throughA = TLanes.MultiplyAdd(g, TLanes.Load(rate), throughA);
                TLanes.Store(TLanes.MultiplyAdd(g, delta, TLanes.Load(rateGradient)), rateGradient);
                before += width;
                after += width;
                decay += width;
                bSum += sumStride;
                cSum += sumStride;
                rate += aStride;
                rateGradient += aStride;
            }
            TLanes deltaGradient = TLanes.MultiplyAdd(u, throughB, throughA * TLanes.Create(Ln2)) * TLanes.Load(slopes + (i * width));
            TLanes.Store(deltaGradient, call.DeltaGradient + (token * call.DeltaGradientStride) + channel);
            TLanes uGradient = TLanes.MultiplyAdd(skip, y, delta * throughB);
            float* target = call.UGradient + (token * call.UGradientStride) + channel;
            TLanes.Store(call.AccumulateU ? TLanes.Load(target) + uGradient : uGradient, target);
            skipGradient = TLanes.MultiplyAdd(y, u, skipGradient);
        }
        if (call.Forward.D is not null)
            TLanes.Store(TLanes.Load(call.DGradient + channel) + skipGradient, call.DGradient + channel);
    }

    /// <summary>The decays and hidden states of a chunk, from the checkpoint before it; as the forward computed them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Recover<TLanes>(
        in SelectiveScanCall call,
        int chunk,
        int start,
        int count,
        int channel,
        float* decays,
        float* history,
        float* deltas,
        float* slopes)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.States, width = TLanes.Count;
        nint aStride = call.AStride;
        float* checkpoint = call.Checkpoints + ((nint)chunk * states * aStride) + channel;
        for (int n = 0; n < states; n++)
            TLanes.Store(TLanes.Load(checkpoint + (n * aStride)), history + (n * width));
        for (int i = 0; i < count; i++)
        {
            nint token = call.Reverse ? call.Tokens - 1 - (start + i) : start + i;
            TLanes delta = TLanes.Load(call.Delta + (token * call.DeltaStride) + channel);
            TLanes slope = TLanes.Create(1f);
            if (call.DeltaSoftplus)
            {
                slope = VectorMath.Sigmoid(delta);
                delta = VectorMath.Softplus(delta);
            }
            TLanes.Store(delta, deltas + (i * width));
            TLanes.Store(slope, slopes + (i * width));
        }
        float* before = history;
        for (int i = 0; i < count; i++)
        {
            nint token = call.Reverse ? call.Tokens - 1 - (start + i) : start + i;
            TLanes delta = TLanes.Load(deltas + (i * width));
            TLanes input = delta * TLanes.Load(call.U + (token * call.UStride) + channel);
            float* b = call.B + (token * call.BStride);
            float* rate = call.A + channel;
            float* after = before + (states * width);
            int n = 0;
            for (; n + 2 <= states; n += 2)
            {
                TLanes decay0 = VectorMath.Exp2(delta * TLanes.Load(rate));
                TLanes decay1 = VectorMath.Exp2(delta * TLanes.Load(rate + aStride));
                TLanes input0 = input * TLanes.Create(b[n]);
                TLanes input1 = input * TLanes.Create(b[n + 1]);
                TLanes.Store(decay0, decays);
                TLanes.Store(decay1, decays + width);
                TLanes.Store(TLanes.MultiplyAdd(decay0, TLanes.Load(before), input0), after);
                TLanes.Store(TLanes.MultiplyAdd(decay1, TLanes.Load(before + width), input1), after + width);
                before += 2 * width;
                after += 2 * width;
                decays += 2 * width;
                rate += 2 * aStride;
            }
            if (n < states)
            {
                TLanes decay = VectorMath.Exp2(delta * TLanes.Load(rate));
                TLanes.Store(decay, decays);
                TLanes.Store(TLanes.MultiplyAdd(decay, TLanes.Load(before), input * TLanes.Create(b[n])), after);
                before += width;
                decays += width;
            }
        }
    }

    private static void WriteSums<TLanes>(
        in SelectiveScanGradientCall call, int start, int count, float* bSums, float* cSums)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.Forward.States;
        for (int i = 0; i < count; i++)
        {
            nint token = call.Forward.Reverse ? call.Forward.Tokens - 1 - (start + i) : start + i;
            float* b = call.BGradient + (token * call.BGradientStride);
            float* c = call.CGradient + (token * call.CGradientStride);
            for (int n = 0; n < states; n++)
            {
                b[n] = TLanes.Sum(TLanes.Load(bSums));
                c[n] = TLanes.Sum(TLanes.Load(cSums));
                bSums += TLanes.Count;
                cSums += TLanes.Count;
            }
        }
    }
}
