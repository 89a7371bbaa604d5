using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Scan;

/// <summary>
/// The selective scan of Mamba (Gu and Dao 2023, equation 2), one direction, with everything around it fused.
/// </summary>
/// <remarks>
/// <code>
/// Δ_t = softplus(delta_t)
/// h_t[n] = exp(Δ_t·A[n])·h_(t−1)[n] + Δ_t·u_t·B_t[n]
/// y_t = (Σ_n C_t[n]·h_t[n] + D·u_t)·(outputScale·silu(z_t))
/// </code>
/// Channels lie in the lanes and are independent of each other. Work is split over channels, never over time, so
/// results do not depend on the split. Each lane performs the same operations in the scalar and in every vector form.
/// </remarks>
internal abstract unsafe class SelectiveScan : ILanesOperation<RangeKernel<SelectiveScanCall>>
{
    /// <summary>The most hidden states of a channel. The states of a register of channels lie on the stack.</summary>
    public const int MaxStates = 256;

    /// <summary>
    /// Tokens whose Δ and gate are computed ahead of the recurrence; <see cref="SelectiveScanCall.CheckpointTokens"/>
    /// is a multiple.
    /// </summary>
    public const int ChunkTokens = 8;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<SelectiveScanCall>> Table { get; } =
        KernelTable<RangeKernel<SelectiveScanCall>>.ForLanes<SelectiveScan>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<SelectiveScanCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-scan", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>. Multiples of 16
    /// are fastest.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The number of states is not 1 to <see cref="MaxStates"/>.
    /// </exception>
    public static void Run(in SelectiveScanCall call, int channelStart, int channelEnd)
    {
        if (call.States is < 1 or > MaxStates)
            throw new ArgumentOutOfRangeException(nameof(call), $"{call.States} states; expected 1 to {MaxStates}.");
        Table.Best.Run(in call, channelStart, channelEnd);
    }

    /// <summary>
    /// The decay rates in the form that the kernels take: <c>packed[n, e] = −exp(aLog[e, n])·log2(e)</c>, so that the
    /// decay is a power of two.
    /// </summary>
    /// <param name="aLog"><c>[channels, states]</c>, as checkpoints hold it.</param>
    /// <param name="packed"><c>[states, channels]</c></param>
    /// <param name="channels">E.</param>
    /// <param name="states">N.</param>
    /// <exception cref="ArgumentException">A length does not match.</exception>
    public static void PackA(ReadOnlySpan<float> aLog, Span<float> packed, int channels, int states)
    {
        if (aLog.Length != (long)channels * states || packed.Length != aLog.Length)
        {
            throw new ArgumentException(
                $"{aLog.Length} to {packed.Length} values for {channels}x{states}.", nameof(packed));
        }
        for (int e = 0; e < channels; e++)
        {
            for (int n = 0; n < states; n++)
                packed[(n * channels) + e] = (float)(-Math.Exp(aLog[(e * states) + n]) / Math.Log(2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in SelectiveScanCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        // Registers of states, deltas and gates, aligned so that no access crosses a cache line.
        float* memory = stackalloc float[(call.States + (2 * ChunkTokens) + 1) * TLanes.Count];
        nint bytes = TLanes.Count * sizeof(float);
        float* scratch = (float*)(((nint)memory + bytes - 1) & -bytes);
        int channel = channelStart;
        for (; channel + TLanes.Count <= channelEnd; channel += TLanes.Count)
            ScanLanes<TLanes>(in call, channel, scratch);
        for (; channel < channelEnd; channel++)
            ScanLanes<Lane1>(in call, channel, scratch);
    }

    /// <summary>Scans one register of channels through all tokens, chunk by chunk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanLanes<TLanes>(in SelectiveScanCall call, int channel, float* scratch)
        where TLanes : struct, ILanes<TLanes>
    {
        float* states = scratch;
        float* deltas = states + (call.States * TLanes.Count);
        float* gates = deltas + (ChunkTokens * TLanes.Count);
        new Span<float>(states, call.States * TLanes.Count).Clear();
        for (int start = 0; start < call.Tokens; start += ChunkTokens)
        {
            int end = Math.Min(start + ChunkTokens, call.Tokens);
            if (call.Checkpoints is not null && start % call.CheckpointTokens == 0)
                SaveStates<TLanes>(in call, channel, start / call.CheckpointTokens, states);
            PrepareChunk<TLanes>(in call, channel, start, end, deltas, gates);
            ScanChunk<TLanes>(in call, channel, start, end, states, deltas, gates);
        }
    }

    /// <summary>Keeps the hidden state before a token, for <see cref="SelectiveScanGradient"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SaveStates<TLanes>(in SelectiveScanCall call, int channel, int checkpoint, float* states)
        where TLanes : struct, ILanes<TLanes>
    {
        float* target = call.Checkpoints + ((nint)checkpoint * call.States * call.AStride) + channel;
        for (int n = 0; n < call.States; n++)
            TLanes.Store(TLanes.Load(states + (n * TLanes.Count)), target + (n * call.AStride));
    }

    /// <summary>Δ and the gate of a chunk of tokens.</summary>
    /// <remarks>
    /// Apart from the recurrence, the long dependency chains of neighbouring tokens overlap; inside it, each would
    /// stall the states.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrepareChunk<TLanes>(
        in SelectiveScanCall call, int channel, int start, int end, float* deltas, float* gates)
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        int i = start;
        for (; i + 2 <= end; i += 2)
        {
            nint token = call.Reverse ? call.Tokens - 1 - i : i, next = call.Reverse ? token - 1 : token + 1;
            TLanes delta0 = TLanes.Load(call.Delta + (token * call.DeltaStride) + channel);
            TLanes delta1 = TLanes.Load(call.Delta + (next * call.DeltaStride) + channel);
            if (call.DeltaSoftplus)
                VectorMath.SoftplusPair(ref delta0, ref delta1, in exp);
            TLanes.Store(delta0, deltas);
            TLanes.Store(delta1, deltas + TLanes.Count);
            TLanes gate0 = TLanes.Create(call.OutputScale), gate1 = gate0;
            if (call.Z is not null)
            {
                TLanes z0 = TLanes.Load(call.Z + (token * call.ZStride) + channel);
                TLanes z1 = TLanes.Load(call.Z + (next * call.ZStride) + channel);
                VectorMath.SiluPair(ref z0, ref z1, in exp);
                gate0 *= z0;
                gate1 *= z1;
            }
            TLanes.Store(gate0, gates);
            TLanes.Store(gate1, gates + TLanes.Count);
            deltas += 2 * TLanes.Count;
            gates += 2 * TLanes.Count;
        }
        if (i < end)
        {
            nint token = call.Reverse ? call.Tokens - 1 - i : i;
            TLanes delta = TLanes.Load(call.Delta + (token * call.DeltaStride) + channel);
            TLanes.Store(call.DeltaSoftplus ? VectorMath.Softplus(delta, in exp) : delta, deltas);
            TLanes gate = TLanes.Create(call.OutputScale);
            if (call.Z is not null)
                gate *= VectorMath.Silu(TLanes.Load(call.Z + (token * call.ZStride) + channel), in exp);
            TLanes.Store(gate, gates);
        }
    }

    /// <summary>The recurrence over a chunk of tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanChunk<TLanes>(
        in SelectiveScanCall call, int channel, int start, int end, float* states, float* deltas, float* gates)
        where TLanes : struct, ILanes<TLanes>
    {
        int stateCount = call.States;
        nint aStride = call.AStride;
        var exp2 = new Exp2Polynomial<TLanes>();
        TLanes zero = TLanes.Create(0f);
        TLanes skip = call.D is null ? zero : TLanes.Load(call.D + channel);
        for (int i = start; i < end; i++)
        {
            nint token = call.Reverse ? call.Tokens - 1 - i : i;
            TLanes u = TLanes.Load(call.U + (token * call.UStride) + channel);
            TLanes delta = TLanes.Load(deltas);
            TLanes input = delta * u;
            float* b = call.B + (token * call.BStride);
            float* c = call.C + (token * call.CStride);

            // Four states at a time, and two sums, so that their chains overlap.
            TLanes even = zero, odd = zero;
            float* state = states;
            float* rate = call.A + channel;
            int n = 0;
            for (; TLanes.Has32Registers && n + 4 <= stateCount; n += 4)
            {
                TLanes decay0 = delta * TLanes.Load(rate), decay1 = delta * TLanes.Load(rate + aStride);
                TLanes decay2 = delta * TLanes.Load(rate + (2 * aStride));
                TLanes decay3 = delta * TLanes.Load(rate + (3 * aStride));
                exp2.Of(ref decay0, ref decay1, ref decay2, ref decay3);
                TLanes input0 = input * TLanes.Create(b[n]), input1 = input * TLanes.Create(b[n + 1]);
                TLanes input2 = input * TLanes.Create(b[n + 2]), input3 = input * TLanes.Create(b[n + 3]);
                TLanes h0 = TLanes.MultiplyAdd(decay0, TLanes.Load(state), input0);
                TLanes h1 = TLanes.MultiplyAdd(decay1, TLanes.Load(state + TLanes.Count), input1);
                TLanes h2 = TLanes.MultiplyAdd(decay2, TLanes.Load(state + (2 * TLanes.Count)), input2);
                TLanes h3 = TLanes.MultiplyAdd(decay3, TLanes.Load(state + (3 * TLanes.Count)), input3);
                TLanes.Store(h0, state);
                TLanes.Store(h1, state + TLanes.Count);
                TLanes.Store(h2, state + (2 * TLanes.Count));
                TLanes.Store(h3, state + (3 * TLanes.Count));
                even = TLanes.MultiplyAdd(h0, TLanes.Create(c[n]), even);
                odd = TLanes.MultiplyAdd(h1, TLanes.Create(c[n + 1]), odd);
                even = TLanes.MultiplyAdd(h2, TLanes.Create(c[n + 2]), even);
                odd = TLanes.MultiplyAdd(h3, TLanes.Create(c[n + 3]), odd);
                state += 4 * TLanes.Count;
                rate += 4 * aStride;
            }
            for (; !TLanes.Has32Registers && n + 2 <= stateCount; n += 2)
            {
                TLanes decay0 = delta * TLanes.Load(rate), decay1 = delta * TLanes.Load(rate + aStride);
                exp2.Of(ref decay0, ref decay1);
                TLanes input0 = input * TLanes.Create(b[n]), input1 = input * TLanes.Create(b[n + 1]);
                TLanes h0 = TLanes.MultiplyAdd(decay0, TLanes.Load(state), input0);
                TLanes h1 = TLanes.MultiplyAdd(decay1, TLanes.Load(state + TLanes.Count), input1);
                TLanes.Store(h0, state);
                TLanes.Store(h1, state + TLanes.Count);
                even = TLanes.MultiplyAdd(h0, TLanes.Create(c[n]), even);
                odd = TLanes.MultiplyAdd(h1, TLanes.Create(c[n + 1]), odd);
                state += 2 * TLanes.Count;
                rate += 2 * aStride;
            }
            for (; n < stateCount; n++, state += TLanes.Count, rate += aStride)
            {
                TLanes decay = exp2.Of(delta * TLanes.Load(rate));
                TLanes h = TLanes.MultiplyAdd(decay, TLanes.Load(state), input * TLanes.Create(b[n]));
                TLanes.Store(h, state);
                (even, odd) = (odd, TLanes.MultiplyAdd(h, TLanes.Create(c[n]), even));
            }

            TLanes y = TLanes.MultiplyAdd(skip, u, even + odd) * TLanes.Load(gates);
            float* target = call.Y + (token * call.YStride) + channel;
            TLanes.Store(call.Accumulate ? TLanes.Load(target) + y : y, target);
            deltas += TLanes.Count;
            gates += TLanes.Count;
        }
    }
}
