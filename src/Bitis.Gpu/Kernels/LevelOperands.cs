using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels;

/// <summary>What a kernel needs to turn values into levels.</summary>
/// <param name="InverseScales">1/scale of each row.</param>
/// <param name="ZeroPoints">The zero point of each row, a float.</param>
/// <param name="Factors">The factor of each column before the quantization; null for none.</param>
internal sealed record LevelOperands(GpuBuffer InverseScales, GpuBuffer ZeroPoints, GpuBuffer? Factors = null)
{
    /// <summary>Adds the arguments of a <see cref="LevelWriter"/>.</summary>
    /// <param name="arguments">The arguments before.</param>
    /// <param name="shape">What is written; null for no levels.</param>
    /// <param name="operands">The operands; null if there are no levels.</param>
    /// <exception cref="ArgumentException">An operand that the shape needs is missing.</exception>
    public static void AddTo(List<GpuArgument> arguments, LevelShape? shape, LevelOperands? operands)
    {
        if (shape is null)
            return;
        arguments.Add(RequiredBuffer.Of(operands?.InverseScales));
        arguments.Add(RequiredBuffer.Of(operands?.ZeroPoints));
        if (shape.HasFactors)
            arguments.Add(RequiredBuffer.Of(operands?.Factors));
    }
}
