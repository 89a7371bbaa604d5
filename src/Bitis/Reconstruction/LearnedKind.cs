namespace Bitis.Reconstruction;

/// <summary>The kind of a learned number, which decides on the learning rate.</summary>
internal enum LearnedKind
{
    /// <summary>A step size of weights.</summary>
    WeightScale,

    /// <summary>A step size of a linear layer's input.</summary>
    ActivationScale,

    /// <summary>A zero point, in levels.</summary>
    ZeroPoint,

    /// <summary>A factor that moves range from activations to weights.</summary>
    Smoothing,

    /// <summary>A step size inside of a scan.</summary>
    ScanScale,
}
