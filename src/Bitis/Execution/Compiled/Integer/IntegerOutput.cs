using Bitis.Execution.Planning;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>What a convolution in integers writes: values, or levels of the only layer that reads them.</summary>
/// <param name="Values">The values; null for levels.</param>
/// <param name="Levels">The levels, and the quantizer of the layer that reads them.</param>
internal readonly record struct IntegerOutput(
    ArenaMatrix? Values, (LevelMatrix Matrix, UniformQuantizer Reader)? Levels);
