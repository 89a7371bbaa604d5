using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Activations;

/// <summary>
/// The gate of a Mamba block, <c>y = (x·factor)·silu(z)</c>, and its backward pass for a factor of 1.
/// </summary>
/// <remarks><c>x̄ = ȳ·silu(z)</c>, <c>z̄ = ȳ·x·silu'(z)</c>. Arrays are contiguous.</remarks>
internal abstract unsafe class Gate : ILanesOperation<GateKernel>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<GateKernel> Table { get; } = KernelTable<GateKernel>.ForLanes<Gate>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static GateKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new(instructionSet, &Forward<TLanes>, &Backward<TLanes>);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<TLanes>(float* x, float* z, float factor, float* y, nint count)
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        var scalar = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        TLanes scale = TLanes.Create(factor);
        nint i = 0;
        for (; i + (2 * TLanes.Count) <= count; i += 2 * TLanes.Count)
        {
            TLanes gate0 = TLanes.Load(z + i), gate1 = TLanes.Load(z + i + TLanes.Count);
            VectorMath.SiluPair(ref gate0, ref gate1, in exp);
            TLanes.Store(TLanes.Load(x + i) * scale * gate0, y + i);
            TLanes.Store(TLanes.Load(x + i + TLanes.Count) * scale * gate1, y + i + TLanes.Count);
        }
        for (; i < count; i++)
        {
            Lane1.Store(
                Lane1.Load(x + i) * Lane1.Create(factor) * VectorMath.Silu(Lane1.Load(z + i), in scalar), y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<TLanes>(float* x, float* z, float* y, float* xGradient, float* zGradient, nint count)
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        var scalar = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        nint i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
            Backward(x + i, z + i, y + i, xGradient + i, zGradient + i, in exp);
        for (; i < count; i++)
            Backward(x + i, z + i, y + i, xGradient + i, zGradient + i, in scalar);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward<TLanes>(
        float* x, float* z, float* y, float* xGradient, float* zGradient, in ExpPolynomial<TLanes> exp)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes value = TLanes.Load(z), gradient = TLanes.Load(y), gated = TLanes.Load(x);
        TLanes sigmoid = VectorMath.Sigmoid(value, in exp);
        TLanes one = exp.One;
        TLanes.Store(gradient * value * sigmoid, xGradient);
        TLanes.Store(gradient * gated * sigmoid * TLanes.MultiplyAdd(value, one - sigmoid, one), zGradient);
    }
}
