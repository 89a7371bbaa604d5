using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Rounding;

/// <summary>A map kept in 8 or 4 bits.</summary>
/// <remarks>
/// First comes its scale as float32, then its levels, −max to max. They are signed bytes, or two to a byte in pieces of
/// <see cref="PieceLength"/> levels (<see cref="PanelNibbles"/>). All forms give the same bits.
/// </remarks>
internal abstract unsafe class QuantizedMap : ILanesOperation<QuantizedMapKernel>
{
    /// <summary>How many levels of 4 bits lie together; an even number.</summary>
    private const int PieceLength = 1024;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<QuantizedMapKernel> Table { get; } =
        KernelTable<QuantizedMapKernel>.ForLanes<QuantizedMap>();

    /// <summary>Rounds values to the nearest levels; NaN becomes 0, and does not count for the scale.</summary>
    /// <param name="values">The values.</param>
    /// <param name="count">How many values there are.</param>
    /// <param name="bits">8 or 4.</param>
    /// <param name="target">The scale and the levels.</param>
    public static void Write(float* values, int count, int bits, byte* target) =>
        Table.Best.Write(values, count, bits, target);

    /// <summary>The values of the levels.</summary>
    /// <param name="source">The scale and the levels.</param>
    /// <param name="count">How many values there are.</param>
    /// <param name="bits">8 or 4.</param>
    /// <param name="values">The values.</param>
    public static void Read(byte* source, int count, int bits, float* values) =>
        Table.Best.Read(source, count, bits, values);

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static QuantizedMapKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new(instructionSet, &Write<TLanes>, &Read<TLanes>);

    private static void Write<TLanes>(float* values, int count, int bits, byte* target)
        where TLanes : struct, ILanes<TLanes>
    {
        int maxLevel = Levels.MaxLevel(bits);
        float largest = Largest<TLanes>(values, count);
        float inverse = Levels.InverseScale(largest, maxLevel);
        *(float*)target = Levels.Scale(largest, maxLevel);
        target += sizeof(float);
        if (bits == 8)
        {
            WriteBytes<TLanes>(values, count, inverse, target);
            return;
        }
        byte* levels = stackalloc byte[PieceLength];
        for (int i = 0; i < count; i += PieceLength)
        {
            int length = Math.Min(PieceLength, count - i);
            WriteBytes<TLanes>(values + i, length, inverse, levels);
            if (length % 2 != 0)
                levels[length] = 0;
            PanelNibbles.Pack((sbyte*)levels, target + (i / 2), (length + 1) / 2);
        }
    }

    private static void Read<TLanes>(byte* source, int count, int bits, float* values)
        where TLanes : struct, ILanes<TLanes>
    {
        float scale = *(float*)source;
        source += sizeof(float);
        if (bits == 8)
        {
            ReadBytes<TLanes>((sbyte*)source, count, scale, values);
            return;
        }
        sbyte* levels = stackalloc sbyte[PieceLength];
        for (int i = 0; i < count; i += PieceLength)
        {
            int length = Math.Min(PieceLength, count - i);
            PanelNibbles.Unpack(source + (i / 2), levels, (length + 1) / 2);
            ReadBytes<TLanes>(levels, length, scale, values + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest<TLanes>(float* values, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        // In this order of operands NaN does not count.
        TLanes max = TLanes.Create(0f);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            max = TLanes.Max(TLanes.Abs(TLanes.Load(values + i)), max);
        float largest = TLanes.Largest(max);
        for (; i < count; i++)
            largest = MathF.Abs(values[i]) > largest ? MathF.Abs(values[i]) : largest;
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBytes<TLanes>(float* values, int count, float inverse, byte* target)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + (4 * TLanes.Count) <= count; i += 4 * TLanes.Count)
        {
            Store(TLanes.Load(values + i), inverse, target + i);
            Store(TLanes.Load(values + i + TLanes.Count), inverse, target + i + TLanes.Count);
            Store(TLanes.Load(values + i + (2 * TLanes.Count)), inverse, target + i + (2 * TLanes.Count));
            Store(TLanes.Load(values + i + (3 * TLanes.Count)), inverse, target + i + (3 * TLanes.Count));
        }
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            Store(TLanes.Load(values + i), inverse, target + i);
        for (; i < count; i++)
            Store(Lane1.Load(values + i), inverse, target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(TLanes value, float inverse, byte* target)
        where TLanes : struct, ILanes<TLanes>
    {
        // NaN is neither more nor less than 0: both parts of it are 0.
        TLanes level = TLanes.Round(value * TLanes.Create(inverse)), zero = TLanes.Create(0f);
        level = TLanes.Max(level, zero) + TLanes.Min(level, zero);
        TLanes.StoreLevels(level, sbyte.MaxValue, zeroPoint: 0, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBytes<TLanes>(sbyte* source, int count, float scale, float* values)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes factor = TLanes.Create(scale);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            TLanes.Store(TLanes.LoadBytes(source + i) * factor, values + i);
        for (; i < count; i++)
            values[i] = scale * source[i];
    }
}
