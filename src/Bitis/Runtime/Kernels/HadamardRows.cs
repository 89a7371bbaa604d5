using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// Quantizes the gradient of a layer's output for the product ȳ·W: each row is transformed block by block,
/// <c>z = y·H</c> with the Walsh-Hadamard matrix of natural order and entries ±1, which spreads outliers over the channels of
/// their block, and then rounded to levels. All forms give the same bits.
/// </summary>
internal static unsafe class HadamardRows
{
    /// <summary>The byte that stands for 0.</summary>
    public const int ZeroPoint = 128;

    /// <summary>The largest block.</summary>
    public const int MaxOrder = 16;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<HadamardRowsKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &Run<Lanes512>, &Transform<Lanes512>),
        new(InstructionSet.Avx2, &Run<Lanes256>, &Transform<Lanes256>),
        Vector128.IsHardwareAccelerated
            ? new(InstructionSet.Portable, &Run<Lanes128>, &Transform<Lanes128>)
            : new(InstructionSet.Portable, &Run<Lane1>, &Transform<Lane1>));

    /// <summary>Columns rounded up to whole blocks of <see cref="MaxOrder"/>.</summary>
    public static int Padded(int columns) => (columns + MaxOrder - 1) / MaxOrder * MaxOrder;

    /// <summary>The block for some channels: <see cref="MaxOrder"/>, or the largest power of two that divides them.</summary>
    public static int OrderFor(int columns) => Math.Min(MaxOrder, columns & -columns);

    /// <summary>Transforms and quantizes the rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.</summary>
    public static void Run(in HadamardRowsCall call, int rowStart, int rowEnd) => Table.Best.Run(in call, rowStart, rowEnd);

    /// <summary>Transforms one row into <see cref="HadamardRowsCall.Row"/>, padded with zeros, and returns its largest magnitude.</summary>
    public static float Transform(in HadamardRowsCall call, int row) => Table.Best.Transform(in call, row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in HadamardRowsCall call, int rowStart, int rowEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            float largest = Transform<TLanes>(in call, row);
            if (call.ScaleStride != 0)
                call.Scales[row] = Levels.Scale(largest, call.MaxLevel);
            else
                largest = call.Scales[0] * call.MaxLevel;
            float inverse = Levels.InverseScale(largest, call.MaxLevel);
            if (call.Rounding == LevelRounding.Stochastic)
                Quantize<TLanes, On>(in call, row, inverse);
            else if (call.Rounding == LevelRounding.Nearest)
                Quantize<TLanes, Off>(in call, row, inverse);
            else
                QuantizeToPowers(in call, row, inverse);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quantize<TLanes, TStochastic>(in HadamardRowsCall call, int row, float inverse)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
    {
        int columns = Padded(call.Columns);
        float* source = call.Row;
        byte* target = call.Target + (row * call.TargetStride);
        uint key = call.Key, counter = (uint)row * (uint)columns;
        TLanes factor = TLanes.Create(inverse), max = TLanes.Create(call.MaxLevel), zero = TLanes.Create(ZeroPoint);
        for (int i = 0; i < columns; i += TLanes.Count)
        {
            TLanes level = Levels.Round<TLanes, TStochastic>(TLanes.Load(source + i) * factor, max, key, counter + (uint)i);
            TLanes.StoreBytes(level + zero, target + i);
        }
    }

    private static void QuantizeToPowers(in HadamardRowsCall call, int row, float inverse)
    {
        int columns = Padded(call.Columns);
        byte* target = call.Target + (row * call.TargetStride);
        for (int i = 0; i < columns; i++)
            target[i] = (byte)(ZeroPoint + (int)Levels.RoundToPower(call.Row[i] * inverse, call.Key, (uint)((row * columns) + i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Transform<TLanes>(in HadamardRowsCall call, int row)
        where TLanes : struct, ILanes<TLanes>
    {
        float* source = call.Source + (row * call.SourceStride), target = call.Row;
        int whole = call.Columns / MaxOrder * MaxOrder, order = call.Order;
        TLanes max = TLanes.Create(0f);
        for (int i = 0; i < whole; i += MaxOrder)
            max = TransformBlock(source + i, target + i, order, max);
        if (whole < call.Columns)
        {
            float* rest = stackalloc float[MaxOrder];
            new Span<float>(rest, MaxOrder).Clear();
            new ReadOnlySpan<float>(source + whole, call.Columns - whole).CopyTo(new Span<float>(rest, MaxOrder));
            max = TransformBlock(rest, target + whole, order, max);
        }
        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(max, lanes);
        float largest = 0;
        for (int i = 0; i < TLanes.Count; i++)
            largest = Math.Max(largest, lanes[i]);
        return largest;
    }

    // Steps within a register first, then those between registers; the order of the steps, 1, 2, 4, 8, is that of all forms.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes TransformBlock<TLanes>(float* source, float* target, int order, TLanes max)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int i = 0; i < MaxOrder; i += TLanes.Count)
        {
            TLanes value = TLanes.Load(source + i);
            if (TLanes.Count > 1 && order > 1)
                value = TLanes.Butterfly(value, 1);
            if (TLanes.Count > 2 && order > 2)
                value = TLanes.Butterfly(value, 2);
            if (TLanes.Count > 4 && order > 4)
                value = TLanes.Butterfly(value, 4);
            if (TLanes.Count > 8 && order > 8)
                value = TLanes.Butterfly(value, 8);
            TLanes.Store(value, target + i);
            if (TLanes.Count == MaxOrder)
                max = TLanes.Max(max, TLanes.Abs(value));
        }
        if (TLanes.Count == MaxOrder)
            return max;
        for (int distance = TLanes.Count; distance < order; distance *= 2)
        {
            for (int i = 0; i < MaxOrder; i += TLanes.Count)
            {
                if ((i & distance) != 0)
                    continue;
                TLanes low = TLanes.Load(target + i), high = TLanes.Load(target + i + distance);
                TLanes.Store(low + high, target + i);
                TLanes.Store(low - high, target + i + distance);
            }
        }
        for (int i = 0; i < MaxOrder; i += TLanes.Count)
            max = TLanes.Max(max, TLanes.Abs(TLanes.Load(target + i)));
        return max;
    }
}
