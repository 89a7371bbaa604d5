namespace Bitis.Data.BuiltIn;

/// <summary>The classes of the built-in set, in the order of their labels.</summary>
/// <remarks>Each has a neighbour that is easily mistaken for it.</remarks>
internal enum ShapeClass
{
    /// <summary>Three sides; the head of an arrow without its shaft.</summary>
    Triangle,

    /// <summary>Four sides.</summary>
    Square,

    /// <summary>Five sides.</summary>
    Pentagon,

    /// <summary>Six sides.</summary>
    Hexagon,

    /// <summary>Five points.</summary>
    FivePointedStar,

    /// <summary>Six points.</summary>
    SixPointedStar,

    /// <summary>A disc without a disc.</summary>
    Crescent,

    /// <summary>A part of a ring, of the same width everywhere.</summary>
    Arc,

    /// <summary>Two bars across each other.</summary>
    Cross,

    /// <summary>A triangle on a shaft.</summary>
    Arrow,
}
