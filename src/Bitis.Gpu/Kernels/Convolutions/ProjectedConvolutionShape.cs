using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>What the text of a block's convolutions with the projections of their outputs depends on.</summary>
/// <param name="Convolution">The convolutions. Their levels are those that the projections read.</param>
/// <param name="Projection">The projection of each direction, from u or its levels to floats.</param>
internal sealed record ProjectedConvolutionShape(ConvolutionShape Convolution, LinearShape Projection)
{
    /// <summary>The bytes of a value that the projection reads.</summary>
    public int OperandBytes => Convolution.Levels is null ? sizeof(ushort) : sizeof(byte);

    /// <summary>The channels, with zeros up to a whole step of the product.</summary>
    public int PaddedChannels
    {
        get
        {
            int channelsOfStep = TensorCoreSums.StepBytes / OperandBytes;
            return (Convolution.Channels + channelsOfStep - 1) / channelsOfStep * channelsOfStep;
        }
    }

    /// <summary>Whether a kernel can compute both on tensor cores, two channels at once.</summary>
    public bool Fits => Projection is { Groups: 2, HasBias: false, IsAligned: true, Output: LinearOutput.Floats }
        && Convolution.Channels % 2 == 0 && Convolution.InputStride % 2 == 0
        && Projection.Inputs == Convolution.Channels
        && (Convolution.Levels is not null
            ? Projection.Numbers == LinearNumbers.Levels
            : Projection.Numbers == LinearNumbers.Halves && Convolution.AreHalves && !Convolution.WritesScanLevels);
}
