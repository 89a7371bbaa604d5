using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>A mask of positive values, one bit each, for the backward pass of a rectifier.</summary>
/// <remarks>Words of 16 bits, the first value in the lowest bit; the last word is filled up with zeros.</remarks>
internal abstract unsafe class PositiveMask : ILanesOperation<PositiveMaskKernel>
{
    /// <summary>The values of a word.</summary>
    public const int WordValues = 16;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<PositiveMaskKernel> Table { get; } =
        KernelTable<PositiveMaskKernel>.ForLanes<PositiveMask>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static PositiveMaskKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new(instructionSet, &Write<TLanes>, &Apply<TLanes>);

    /// <summary>The words that some values need.</summary>
    public static int Words(int count) => (count + WordValues - 1) / WordValues;

    /// <summary>Writes the mask of some values.</summary>
    /// <param name="values">The values.</param>
    /// <param name="mask"><see cref="Words"/>.</param>
    /// <param name="count">How many values there are.</param>
    public static void Write(float* values, ushort* mask, int count) => Table.Best.Write(values, mask, count);

    /// <summary>Copies the values whose bit is set, and zeros for the others, or adds them to the target.</summary>
    /// <param name="values">The values.</param>
    /// <param name="mask">The mask.</param>
    /// <param name="target">Receives the values.</param>
    /// <param name="count">How many values there are.</param>
    /// <param name="accumulate">Add instead of overwriting.</param>
    public static void Apply(float* values, ushort* mask, float* target, int count, bool accumulate) =>
        Table.Best.Apply(values, mask, target, count, accumulate);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write<TLanes>(float* values, ushort* mask, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        int whole = count / WordValues;
        for (int word = 0; word < whole; word++, values += WordValues)
        {
            uint bits = 0;
            for (int i = 0; i < WordValues; i += TLanes.Count)
                bits |= TLanes.PositiveBits(TLanes.Load(values + i)) << i;
            mask[word] = (ushort)bits;
        }
        uint rest = 0;
        for (int i = 0; i < count % WordValues; i++)
            rest |= Lane1.PositiveBits(Lane1.Load(values + i)) << i;
        if (count % WordValues != 0)
            mask[whole] = (ushort)rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TLanes>(float* values, ushort* mask, float* target, int count, bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        int whole = count / WordValues * WordValues;
        for (int i = 0; i < whole; i += TLanes.Count)
            Select<TLanes>(values, mask, target, i, accumulate);
        for (int i = whole; i < count; i++)
            Select<Lane1>(values, mask, target, i, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Select<TLanes>(float* values, ushort* mask, float* target, int i, bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes selected = TLanes.Select((uint)(mask[i / WordValues] >> (i % WordValues)), TLanes.Load(values + i));
        TLanes.Store(accumulate ? TLanes.Load(target + i) + selected : selected, target + i);
    }
}
