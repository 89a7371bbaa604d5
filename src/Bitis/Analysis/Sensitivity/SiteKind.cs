namespace Bitis.Analysis.Sensitivity;

/// <summary>What a site is in its layer or scan.</summary>
internal enum SiteKind
{
    /// <summary>A layer's weights.</summary>
    Weight,

    /// <summary>A layer's input.</summary>
    Input,

    /// <summary>A scan's input u.</summary>
    U,

    /// <summary>A scan's time scale Δ.</summary>
    Delta,

    /// <summary>A scan's discrete parameter Ā.</summary>
    Decay,

    /// <summary>A scan's B.</summary>
    B,

    /// <summary>A scan's C.</summary>
    C,

    /// <summary>A scan's hidden state h.</summary>
    HiddenState,
}
