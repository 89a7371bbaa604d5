using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Scan.Assembled;

/// <summary>
/// The form of <see cref="IntegerScan"/> for AVX-512 with VNNI and VBMI: kernels of <see cref="ScanAssembler"/>,
/// assembled when they are first needed.
/// </summary>
internal static unsafe class IntegerScanVnni
{
    private const int MaxTokens = ScanAssembler.MaxTokens;

    private static readonly byte[] Orders = CreateOrders();

    private static readonly ConcurrentDictionary<ScanKernelForm, nint> Kernels = [];

    /// <summary>Whether kernels are unrolled for so many states.</summary>
    public static bool Has(PackedScan scan) => scan.Pairs is > 0 and <= ScanAssembler.MaxPairs;

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>, both multiples
    /// of 16.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int pairs = scan.Pairs, stateBytes = PackedScan.BlockChannels * 4 * pairs;
        // B and C are quantized once for so many channels.
        int pass = Math.Max(1, IntegerScan.StateBytes / stateBytes) * PackedScan.BlockChannels;
        int softplusBytes = scan.Delta.IsBeforeSoftplus ? 0 : MaxTokens * pass * sizeof(float);
        int states = pass / PackedScan.BlockChannels * stateBytes;
        var layout = new ScanTokenLayout(pairs);
        byte* memory = stackalloc byte[states + softplusBytes + layout.Bytes + 64];
        memory = (byte*)(((nint)memory + 63) & -64);
        var softplus = (float*)(memory + states);
        byte* tokens = memory + states + softplusBytes;
        new Span<byte>(tokens, layout.Bytes).Clear(); // an odd state has a neighbour
        Orders.CopyTo(new Span<byte>(tokens, Orders.Length));
        for (int channel = channelStart; channel < channelEnd; channel += pass)
        {
            int end = Math.Min(channel + pass, channelEnd);
            ScanChannels(scan, in call, channel, end, (short*)memory, softplus, tokens);
        }
    }

    /// <summary>Some channels through all tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScanChannels(
        PackedScan scan,
        in IntegerScanCall call,
        int channelStart,
        int channelEnd,
        short* states,
        float* softplus,
        byte* tokens)
    {
        int pairs = scan.Pairs, group = 0, stateCount = (channelEnd - channelStart) * 2 * pairs;
        nint direction = call.Reverse ? -sizeof(float) : sizeof(float);
        int* groups = scan.Groups;
        new Span<short>(states, stateCount).Clear();
        var chunk = new ScanChunkCall
        {
            DeltaStride = direction * call.DeltaStride,
            UStride = direction * call.UStride,
            YStride = direction * call.YStride,
            States = states,
            Rates = scan.RateLanes
                + ((nint)channelStart * PackedScan.BlockStates * ((pairs + 1) / 2)),
            Tokens = tokens,
            DecayTables = scan.DecayTables,
            DeltaTables = scan.DeltaTables,
            UInverse = scan.UInverse + channelStart,
            ULow = scan.ULow + channelStart,
            UHigh = scan.UHigh + channelStart,
            Skip = scan.Skip + channelStart,
            DeltaLowest = scan.Delta.Lowest,
            DeltaInverse = scan.Delta.InverseScale,
            DeltaMax = scan.Delta.MaxLevel,
            Highest = short.MaxValue,
            Mask = (ushort)(-1 << scan.HiddenShift) * 0x10001,
        };
        for (int start = 0, count; start < call.Tokens; start += count)
        {
            count = 1;
            while (count < MaxTokens && start + count < call.Tokens && groups[start + count] == groups[start])
                count++;
            if (groups[start] != group)
                IntegerScanAvx512Vbmi.Rescale(states, stateCount, scan.Rescales[groups[start]], scan.HiddenShift);
            group = groups[start];
            nint row = call.Reverse ? call.Tokens - 1 - start : start;
            QuantizeStates(scan, in call, start, count, tokens);
            chunk.Delta = call.Delta + (row * call.DeltaStride) + channelStart;
            if (!scan.Delta.IsBeforeSoftplus)
                SetSoftplus(ref chunk, count, channelEnd - channelStart, direction * call.DeltaStride, softplus);
            chunk.U = call.U + (row * call.UStride) + channelStart;
            chunk.Y = call.Y + (row * call.YStride) + channelStart;
            chunk.Blocks = (channelEnd - channelStart) / PackedScan.BlockChannels;
            chunk.InputFactors = scan.InputFactors + ((nint)group * scan.Channels) + channelStart;
            chunk.OutputFactors = scan.OutputFactors + ((nint)group * scan.Channels) + channelStart;
            chunk.BScales = scan.BScale + start;
            chunk.CScales = scan.CScale + start;
            var form = new ScanKernelForm(
                pairs,
                count,
                HasLargeTables: scan.Delta.MaxLevel >= 128,
                scan.HasOneOffset,
                scan.HasNegativeCodes,
                call.Accumulate);
            ((delegate* unmanaged<ScanChunkCall*, void>)Kernels.GetOrAdd(form, Place))(&chunk);
        }
    }

    /// <summary>The levels of B and C of some tokens, and what is added to h.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeStates(PackedScan scan, in IntegerScanCall call, int start, int count, byte* tokens)
    {
        int numbers = 2 * scan.Pairs;
        var layout = new ScanTokenLayout(scan.Pairs);
        var b = (short*)(tokens + layout.B(0, 0));
        var c = (short*)(tokens + layout.C(0, 0));
        IntegerScan.QuantizeStates512(scan, in call, start, count, b, c);
        new ReadOnlySpan<short>(scan.Offsets + ((nint)start * numbers), count * numbers)
            .CopyTo(new Span<short>(tokens + layout.Offset(0, 0), count * numbers));
    }

    private static byte[] CreateOrders()
    {
        var orders = new byte[ScanTokenLayout.OrderBytes];
        ScanTokenLayout.WriteOrders(orders);
        return orders;
    }

    /// <summary>Replaces the values of Δ by their softplus.</summary>
    private static void SetSoftplus(ref ScanChunkCall chunk, int count, int channels, nint stride, float* softplus)
    {
        for (int i = 0; i < count; i++)
        {
            Elementwise.Softplus.Best.Run(
                (float*)((byte*)chunk.Delta + (i * stride)), softplus + (i * channels), channels);
        }
        chunk.Delta = softplus;
        chunk.DeltaStride = channels * sizeof(float);
    }

    private static nint Place(ScanKernelForm form)
    {
        nint address = ExecutableMemory.Place(ScanAssembler.Assemble(form));
        return address != 0 ? address : throw new BitisException(
            "The system has no more memory for machine code; set BITIS_ISA=avx512vbmi to do without it.");
    }
}
