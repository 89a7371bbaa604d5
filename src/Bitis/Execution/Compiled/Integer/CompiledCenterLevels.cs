using Bitis.Execution.Planning;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Rounds an activation to levels less their zero point, in float32, for a depthwise convolution.</summary>
internal sealed class CompiledCenterLevels : CompiledOperation
{
    private readonly ArenaMatrix _x, _y;
    private readonly NativeBuffer<float> _parameters;

    /// <summary>Prepares scales and bounds.</summary>
    /// <param name="name">The node.</param>
    /// <param name="x">The input, <c>[tokens, channels]</c>.</param>
    /// <param name="y">The centered levels.</param>
    /// <param name="quantizer">The input's quantizer, per tensor or per channel.</param>
    public CompiledCenterLevels(string name, ArenaMatrix x, ArenaMatrix y, UniformQuantizer quantizer)
        : this(name, x, y, new NativeBuffer<float>(3 * x.Columns))
    {
        for (int channel = 0; channel < x.Columns; channel++)
        {
            int group = quantizer.GroupOf(token: 0, channel);
            _parameters.Span[channel] = quantizer.InverseScales[group];
            _parameters.Span[x.Columns + channel] = quantizer.MinLevel - quantizer.ZeroPoints[group];
            _parameters.Span[(2 * x.Columns) + channel] = quantizer.MaxLevel - quantizer.ZeroPoints[group];
        }
    }

    private CompiledCenterLevels(string name, ArenaMatrix x, ArenaMatrix y, NativeBuffer<float> parameters)
        : base(name, parameters)
    {
        _x = x;
        _y = y;
        _parameters = parameters;
    }

    public override string Kind => "quantize";

    public override int Units => _x.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        float* parameters = _parameters.Pointer;
        var call = new CenterLevelsCall
        {
            Source = _x.Pointer(arena),
            SourceStride = _x.Stride,
            Target = _y.Pointer(arena),
            TargetStride = _y.Stride,
            Columns = _x.Columns,
            InverseScales = parameters,
            Lowest = parameters + _x.Columns,
            Highest = parameters + (2 * _x.Columns),
        };
        CenterLevels.Run(in call, start, end);
    }
}
