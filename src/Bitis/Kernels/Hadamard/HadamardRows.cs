using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Hadamard;

/// <summary>Quantizes the gradient of a layer's output for the product ȳ·W.</summary>
/// <remarks>
/// Each row is transformed block by block, <c>z = y·H</c>. H is the Walsh-Hadamard matrix of natural order with entries
/// ±1. It spreads outliers over the channels of their block. Then values are rounded to levels. A last block that is
/// not full is padded with zeros. All forms give the same bits.
/// </remarks>
internal abstract unsafe class HadamardRows : ILanesOperation<HadamardRowsKernel>
{
    /// <summary>The byte of the level 0.</summary>
    public const int ZeroPoint = 128;

    /// <summary>The channels of a block.</summary>
    public const int BlockColumns = 16;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<HadamardRowsKernel> Table { get; } =
        KernelTable<HadamardRowsKernel>.ForLanes<HadamardRows>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static HadamardRowsKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new(
            instructionSet, &Run<TLanes>, &Transform<TLanes>, &Quantize<TLanes>);

    /// <summary>Columns rounded up to whole blocks.</summary>
    public static int Padded(int columns) => (columns + BlockColumns - 1) / BlockColumns * BlockColumns;

    /// <summary>
    /// Transforms rows and rounds them to levels, the largest magnitude of each row being the largest level.
    /// </summary>
    /// <param name="call">The operands.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="largest">The largest magnitude of each transformed row.</param>
    public static void Run(in HadamardRowsCall call, int rows, float* largest) =>
        Table.Best.Run(in call, rows, largest);

    /// <summary>Transforms rows into <see cref="HadamardRowsCall.Transformed"/>, padded with zeros.</summary>
    /// <param name="call">The operands.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="largest">The largest magnitude of each transformed row.</param>
    public static void Transform(in HadamardRowsCall call, int rows, float* largest) =>
        Table.Best.Transform(in call, rows, largest);

    /// <summary>Rounds transformed rows to levels.</summary>
    /// <param name="call">The operands.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="largest">The magnitude that the largest level stands for in each row.</param>
    public static void Quantize(in HadamardRowsCall call, int rows, float* largest) =>
        Table.Best.Quantize(in call, rows, largest);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in HadamardRowsCall call, int rows, float* largest)
        where TLanes : struct, ILanes<TLanes>
    {
        float* rest = stackalloc float[BlockColumns];
        for (int row = 0; row < rows; row++)
        {
            largest[row] = TransformRow<TLanes>(in call, row, rows, rest);
            QuantizeRow<TLanes>(in call, row, largest[row]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform<TLanes>(in HadamardRowsCall call, int rows, float* largest)
        where TLanes : struct, ILanes<TLanes>
    {
        float* rest = stackalloc float[BlockColumns];
        for (int row = 0; row < rows; row++)
            largest[row] = TransformRow<TLanes>(in call, row, rows, rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quantize<TLanes>(in HadamardRowsCall call, int rows, float* largest)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int row = 0; row < rows; row++)
            QuantizeRow<TLanes>(in call, row, largest[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float TransformRow<TLanes>(in HadamardRowsCall call, int row, int rows, float* rest)
        where TLanes : struct, ILanes<TLanes>
    {
        float* source = call.Source + (row * call.SourceStride);
        float* target = call.Transformed + (row * call.TransformedStride);
        int whole = call.Columns / BlockColumns * BlockColumns, left = call.Columns - whole;
        float* last = source + whole;
        if (left > 0 && (whole == 0 || row == rows - 1))
        {
            // No values follow that a whole register could read.
            new ReadOnlySpan<float>(last, left).CopyTo(new Span<float>(rest, BlockColumns));
            last = rest;
        }
        return TransformBlocks<TLanes>(source, whole, last, left, target, call.Transforms);
    }

    /// <summary>Transforms all blocks of a row and returns the largest magnitude.</summary>
    /// <remarks>Of the last block, only some values may count.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float TransformBlocks<TLanes>(
        float* source, int whole, float* last, int left, float* target, bool transforms)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes max = TLanes.Create(0f);
        for (int i = 0; i < whole; i += BlockColumns)
            max = TLanes.Max(max, TransformBlock<TLanes>(source + i, BlockColumns, target + i, transforms));
        if (left > 0)
            max = TLanes.Max(max, TransformBlock<TLanes>(last, left, target + whole, transforms));
        return TLanes.Largest(max);
    }

    /// <summary>Transforms or copies a block, with zeros beyond its values; returns the largest magnitudes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes TransformBlock<TLanes>(float* source, int count, float* target, bool transforms)
        where TLanes : struct, ILanes<TLanes>
    {
        // Stages within a register come first, then those between registers. All forms have this order: 1, 2, 4, 8.
        bool isWithinRegister = TLanes.Count == BlockColumns || !transforms;
        TLanes max = TLanes.Create(0f);
        for (int i = 0; i < BlockColumns; i += TLanes.Count)
        {
            TLanes value = TLanes.Load(source + i);
            if (count < BlockColumns)
                value = TLanes.Select(((1u << count) - 1) >> i, value);
            if (transforms)
            {
                if (TLanes.Count > 1)
                    value = TLanes.Butterfly(value, 1);
                if (TLanes.Count > 2)
                    value = TLanes.Butterfly(value, 2);
                if (TLanes.Count > 4)
                    value = TLanes.Butterfly(value, 4);
                if (TLanes.Count > 8)
                    value = TLanes.Butterfly(value, 8);
            }
            TLanes.Store(value, target + i);
            if (isWithinRegister)
                max = TLanes.Max(TLanes.Abs(value), max); // in this order NaN does not count
        }
        if (isWithinRegister)
            return max;
        for (int distance = TLanes.Count; distance < BlockColumns; distance *= 2)
        {
            bool isLast = 2 * distance == BlockColumns;
            for (int i = 0; i < BlockColumns; i += TLanes.Count)
            {
                if ((i & distance) != 0)
                    continue;
                TLanes low = TLanes.Load(target + i), high = TLanes.Load(target + i + distance);
                TLanes sum = low + high, difference = low - high;
                TLanes.Store(sum, target + i);
                TLanes.Store(difference, target + i + distance);
                if (isLast)
                    max = TLanes.Max(TLanes.Abs(sum), TLanes.Max(TLanes.Abs(difference), max));
            }
        }
        return max;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void QuantizeRow<TLanes>(in HadamardRowsCall call, int row, float largest)
        where TLanes : struct, ILanes<TLanes>
    {
        float inverse = Levels.InverseScale(largest, call.MaxLevel);
        if (call.Rounding == LevelRounding.Stochastic)
            Quantize<TLanes, On>(in call, row, inverse);
        else if (call.Rounding == LevelRounding.Nearest)
            Quantize<TLanes, Off>(in call, row, inverse);
        else
            QuantizeToPowers(in call, row, inverse);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quantize<TLanes, TStochastic>(in HadamardRowsCall call, int row, float inverse)
        where TLanes : struct, ILanes<TLanes>
        where TStochastic : struct, ISwitch
    {
        int columns = Padded(call.Columns);
        float* source = call.Transformed + (row * call.TransformedStride);
        byte* target = call.Target + (row * call.TargetStride);
        uint key = call.Key, counter = (uint)row * (uint)columns;
        TLanes factor = TLanes.Create(inverse);
        sbyte max = (sbyte)call.MaxLevel;
        int paired = columns / (2 * BlockColumns) * BlockColumns;
        for (int i = 0; i < paired; i += TLanes.Count)
        {
            int j = i + (i & -BlockColumns); // the columns of the even blocks
            TLanes first = TLanes.Load(source + j) * factor, second = TLanes.Load(source + j + BlockColumns) * factor;
            StochasticRounding.Round<TLanes, TStochastic>(ref first, ref second, key, counter + (uint)j);
            TLanes.StoreLevels(first, max, ZeroPoint, target + j);
            TLanes.StoreLevels(second, max, ZeroPoint, target + j + BlockColumns);
        }
        for (int i = 2 * paired; i < columns; i += TLanes.Count)
        {
            TLanes level = TLanes.Load(source + i) * factor, unused = level;
            StochasticRounding.Round<TLanes, TStochastic>(ref level, ref unused, key, counter + (uint)i);
            TLanes.StoreLevels(level, max, ZeroPoint, target + i);
        }
    }

    private static void QuantizeToPowers(in HadamardRowsCall call, int row, float inverse)
    {
        int columns = Padded(call.Columns);
        float* source = call.Transformed + (row * call.TransformedStride);
        byte* target = call.Target + (row * call.TargetStride);
        for (int i = 0; i < columns; i++)
        {
            float level = StochasticRounding.ToPower(source[i] * inverse, call.Key, (uint)((row * columns) + i));
            target[i] = (byte)(ZeroPoint + (int)level);
        }
    }
}
