using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Convolution.Integer;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Computes a convolution over a grid of tokens in integers, with the rectifier after it.</summary>
/// <param name="name">The node.</param>
/// <param name="convolution">The convolution.</param>
/// <param name="parts">The levels of the inputs side by side.</param>
/// <param name="y">The output, <c>[places, out]</c>: values, or levels of the layer that reads them.</param>
/// <param name="rectify">Whether negative outputs become 0.</param>
/// <param name="weights">The filter.</param>
/// <param name="input">The input's quantizer, per tensor.</param>
/// <param name="outside">The level of 0, <see cref="PackedGridWeights.MaxLength"/> times.</param>
internal sealed class CompiledIntegerGridConvolution(
    string name, GridConv2d convolution, LevelMatrix[] parts, IntegerOutput y, bool rectify,
    PackedGridWeights weights, UniformQuantizer input,
    NativeBuffer<byte> outside) : CompiledOperation(name, weights, outside)
{
    public override string Kind => weights.HasNibbles ? "convolution int4" : "convolution int8";

    public override int Units => convolution.OutHeight * convolution.OutWidth;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        LevelPart* inputs = stackalloc LevelPart[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            inputs[i] = new LevelPart { Source = arena[parts[i].Block], Stride = parts[i].Stride };
        var finish = new FinishSumsCall
        {
            ZeroPoint = input.ZeroPoints[0],
            Scale = input.Scales[0],
            Rectify = rectify,
        };
        if (y.Values is { } values)
        {
            finish.Values = values.Pointer(arena);
            finish.TargetStride = values.Stride;
        }
        else
        {
            (LevelMatrix levels, UniformQuantizer reader) = y.Levels!.Value;
            finish.Levels = arena[levels.Block];
            finish.TargetStride = levels.Stride;
            finish.InverseScale = reader.InverseScales[0];
            finish.LevelOfZero = reader.ZeroPoints[0];
            finish.MaxLevel = reader.MaxLevel;
        }
        var call = new IntegerGridConvCall
        {
            Height = convolution.Height,
            Width = convolution.Width,
            OutWidth = convolution.OutWidth,
            Stride = convolution.Stride,
            Padding = convolution.Padding,
            Parts = inputs,
            Outside = outside.Pointer,
            Weights = weights,
            Finish = finish,
        };
        IntegerGridConv.Run(in call, start, end);
        GC.KeepAlive(outside);
    }
}
